"""The product shown in one command: sandbox, gateway, first sync, the two flagship requests, a payment."""
