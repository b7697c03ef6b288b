"""Databases, and the services of erasure and access without any tool."""

from __future__ import annotations

from tests.databases import *  # noqa: F403
