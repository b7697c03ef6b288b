"""Downloads of artwork (素材下载): each is noted, and known by a watermark of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from adapters.ip_content import IpContentAdapter
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.ip_entries import TOOL
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a purpose.
PURPOSE_LENGTH: Final = 200


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: which rendition, what for, and for which product (a master needs one)."""

    asset: str
    rendition: str
    purpose: str
    gtin: str = ""


class Download(msgspec.Struct, frozen=True):
    """The download, who does it, and its name."""

    wanted: Wanted
    user: str
    key: str


class Granted(msgspec.Struct, frozen=True):
    """The download's watermark. The object's name and address are signed for each answer and stored nowhere."""

    watermark: str
    asset: str
    expires_at: datetime


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    planning.tools.get(IpContentAdapter)
    if not 1 <= len(asked.purpose) <= PURPOSE_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"purpose has 1 to {PURPOSE_LENGTH} characters: say what it is for.")
    return Effect(Download(asked, planning.principal.id, planning.key))


# PIVOT: whoever has the address may have downloaded.
@step(name="ip_asset.download", tool=TOOL, kind=Kind.PIVOT, delivery=Delivery.KEYED)
async def download(ctx: StepContext, intent: Download) -> Granted:
    """Once per key: a repetition is the same download, under the same watermark."""
    wanted = intent.wanted
    granted = await ctx.tools.get(IpContentAdapter).asset_grant(
        wanted.asset, wanted.rendition, user=intent.user, purpose=wanted.purpose, gtin=wanted.gtin, key=intent.key
    )
    return Granted(granted.watermark, granted.asset, granted.url_expires_at)


DOWNLOAD: Final = Action("assetDownload", download, _plan)
