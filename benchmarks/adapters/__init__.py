"""Calls of the platforms: our adapters against HTTP clients by hand and against vendors' SDKs."""
