"""Checkouts on the gateway's saga log, against the same steps on DBOS."""
