"""Puts the world together, the same for the same (seed, now, size)."""

from __future__ import annotations

from datetime import datetime

from sandbox.world.brand import brand
from sandbox.world.shoppers import shoppers
from sandbox.world.trade import trade
from sandbox.world.types import World


def build_world(now: datetime, *, seed: int = 20181111, size: int = 120) -> World:
    """The brand 屿见 YUJIAN at the instant ``now``, with ``size`` shoppers besides the named ones.

    Raises ValueError for a naive ``now`` or a size below 50 (43 customers wait for a new guide).
    """
    if now.tzinfo is None:
        raise ValueError("now must be aware: give it a UTC offset")
    if size < 50:
        raise ValueError(f"size is {size}, the least is 50: the story needs its 43 unassigned customers")
    fixed = brand(now, seed)
    people = shoppers(fixed, seed, size)
    return trade(fixed, people, seed)
