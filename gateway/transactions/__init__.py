"""Transactions over several tools: steps, the saga log, idempotency, checkout. See docs/transactions.md."""
