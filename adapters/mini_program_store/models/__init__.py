"""Answers in the platform's own field names. Unknown fields are ignored; only what we read is named.

Ids are uint64 that come as text or as number, counters sometimes as text: both are accepted everywhere.
"""
