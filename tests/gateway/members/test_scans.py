"""Scans of QR codes with a scene, counted from the log: by account, scene and business day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from adapters.official_account import FollowerChanged, QrScanned
from gateway.database import Database
from gateway.events.projections import official_account
from gateway.events.projector import Projector
from gateway.members.graph import IdentityGraph
from gateway.resolvers.scene_codes import Counted, Scans, count
from tests.databases import ManualClock
from tests.gateway.members.conftest import OPEN_PLATFORM

pytestmark = pytest.mark.asyncio

APP, DAY = "wxapp1", date(2026, 11, 11)


async def test_follows_and_scans_of_a_scene(database: Database, clock: ManualClock) -> None:
    projector, now = Projector(database, IdentityGraph(database, clock), clock, OPEN_PLATFORM), clock.now()
    came = [FollowerChanged(APP, f"o{number}", True, now, "poster") for number in range(3)]
    await official_account.changed(projector, [*came, FollowerChanged(APP, "o9", True, now)])
    scanned = [QrScanned(APP, "o1", "poster", now + timedelta(days=days)) for days in (0, 0, 1)]
    await official_account.interacted(projector, [*scanned, QrScanned("wxapp2", "o1", "poster", now)])

    today = Counted(APP, "poster", DAY, DAY + timedelta(days=1))
    both = Counted(APP, "poster", DAY, DAY + timedelta(days=2))
    nobody = Counted(APP, "shelf", DAY, DAY + timedelta(days=2))

    # A scan that is told twice is one.
    assert await count(database, [today, both, nobody]) == [Scans(3, 1), Scans(3, 2), Scans(0, 0)]
