"""QR codes with a scene (带参数二维码) of an official account: whoever scans one follows, and says which it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import delete, func, select

from adapters.official_account import OfficialAccountAdapter
from gateway.database.statements import upsert
from gateway.database.tables.followers import scene_code
from gateway.events.projector import Batch
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a scene and of a label; the platform's own limits of codes and their life.
SCENE_LENGTH: Final = 64
MOST_PERMANENT: Final = 100_000
SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=30)


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``seconds`` None: for ever; ``account`` None: not said."""

    scene: str
    label: str
    seconds: int | None
    account: str | None


class Make(msgspec.Struct, frozen=True):
    """The same, of one account."""

    appid: str
    wanted: Wanted


class Made(msgspec.Struct, frozen=True):
    """The code, by its name at the platform."""

    appid: str
    ticket: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    adapter = planning.tools.get(OfficialAccountAdapter, asked.account)
    if not 1 <= len(asked.scene) <= SCENE_LENGTH or len(asked.label) > SCENE_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"scene has 1 to {SCENE_LENGTH} characters, and label no more.")
    if asked.seconds is None:
        await _room(planning, adapter.account, asked.scene)
    elif not SHORTEST <= timedelta(seconds=asked.seconds) <= LONGEST:
        raise StepRefused("BAD_USER_INPUT", "lifetime is 60 seconds to 30 days (2592000); or make a permanent one.")
    return Effect(Make(adapter.account, asked), values={"appid": adapter.account})


async def _room(planning: Planning, appid: str, scene: str) -> None:
    """A permanent code is never given back: no second one of a scene, and none that there is no room for."""
    permanent = (scene_code.c.appid == appid, scene_code.c.expires_at.is_(None))
    known = await planning.database.one(select(scene_code.c.ticket).where(*permanent, scene_code.c.scene == scene))
    if known is not None:
        raise StepRefused("SCENE_CODE_EXISTS", "There is a permanent code of this scene; sceneCodes has it.")
    count = await planning.database.one(select(func.count()).select_from(scene_code).where(*permanent))
    if count is not None and count[0] >= MOST_PERMANENT:
        raise StepRefused(
            "SCENE_CODES_FULL", f"The account has its {MOST_PERMANENT} permanent codes; make temporary ones."
        )


async def _undo(ctx: StepContext, intent: Make, outcome: Made | None) -> None:
    """The platform deletes no code; one that nobody was shown is scanned by nobody."""
    if outcome is not None:
        async with ctx.projector.batch() as batch:
            await batch.connection.execute(
                delete(scene_code).where(scene_code.c.appid == intent.appid, scene_code.c.ticket == outcome.ticket)
            )


# KEYED by the scene: a second code of it leads to the same scene, and the first one is shown to nobody.
@step(
    name="scene_code.create",
    tool="official_account",
    kind=Kind.COMPENSATABLE,
    delivery=Delivery.KEYED,
    undo=_undo,
)
async def create(ctx: StepContext, intent: Make) -> Made:
    """One call."""
    wanted, adapter = intent.wanted, ctx.tools.get(OfficialAccountAdapter, intent.appid)
    lifetime = None if wanted.seconds is None else timedelta(seconds=wanted.seconds)
    code = await adapter.scene_code(wanted.scene, lifetime)
    row = {
        "appid": intent.appid,
        "ticket": code.ticket,
        "scene": wanted.scene,
        "label": wanted.label,
        "url": code.url,
        "image_url": code.image_url,
        "made_at": ctx.now,
        "expires_at": code.expires_at,
    }

    async def follow(batch: Batch) -> None:
        await upsert(batch.connection, scene_code, [row], keys=("appid", "ticket"))

    ctx.on_done.append(follow)
    return Made(intent.appid, code.ticket)


CREATE: Final = Action("sceneCodeCreate", create, _plan)
