"""Transactions that clients compose."""
