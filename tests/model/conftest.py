"""Databases on both systems, a new one for each example."""

from tests.databases import *  # noqa: F403
