"""Webhooks out: what happened, told to the systems of partners and headquarters. See docs/webhooks-out.md."""
