"""Reconciliation with the platforms' bills."""
