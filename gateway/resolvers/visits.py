"""Visits of a mini-program (小程序访问), as its own client tells them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from gateway.context import Context
from gateway.database.facts import Fact
from gateway.database.tables.facts import fact
from gateway.resolvers.errors import UserError
from gateway.resolvers.reach import KeyRequired, SessionRequired

KIND: Final = "mini_program.visit"
#: 场景值 of https://developers.weixin.qq.com/miniprogram/dev/reference/scene-list.html have four digits.
SCENES: Final = range(1000, 10_000)
_PATH: Final = re.compile(r"[0-9A-Za-z_./-]{1,128}")
_TOKEN: Final = re.compile(r"[!-~]{1,256}")


@dataclass(frozen=True, slots=True)
class VisitRecord:
    """A visit as it is in the log."""

    at: datetime
    scene: str
    path: str


async def record(
    ctx: Context, scene: int, path: str, key: str | None, click_id: str | None = None, share_token: str | None = None
) -> VisitRecord:
    """A page that the shopper of this session came to, now. Raises UserError.

    The same key again counts nothing and answers the first visit. Click id and share token lead to persons, so that
    the log, which nobody edits, keeps their keyed hashes: enough to tell which visits came of the same.
    """
    who = ctx.principal
    if who.member is None or who.session_identity is None or who.app is None:
        raise SessionRequired("A visit is the shopper's own: call sessionCreate and send its token.")
    if not key:
        raise KeyRequired("Send idempotencyKey: one per visit.")
    if len(key) > 64 or "\0" in key:
        raise UserError("idempotencyKey has 1 to 64 characters.")
    if scene not in SCENES:
        raise UserError(f"scene is {scene}: pass the 场景值 that the mini-program was launched with, such as 1047.")
    if not _PATH.fullmatch(path):
        raise UserError("path is the page's own, such as pages/goods/detail: 128 characters, and no query.")
    hashed = ctx.database.keyring.hash
    payload = {"scene": str(scene), "path": path}
    for name, value in (("click", click_id), ("share", share_token)):
        if value is not None and not _TOKEN.fullmatch(value):
            raise UserError("clickId and shareToken have 1 to 256 visible ASCII characters.")
        if value is not None:
            payload[name] = hashed(value, f"visit.{name}").hex()[:32]
    source_key = f"{who.session_identity}:{key}"
    async with ctx.services.projector.batch() as batch:
        batch.facts.append(
            Fact(
                kind=KIND,
                occurred_at=ctx.clock.now(),
                source="own",
                source_key=source_key,
                account=who.app,
                tool="mini_program_store",
                member=who.member,
                identity=who.session_identity,
                payload=payload,
            )
        )
    # What is stored may be an earlier telling of the same visit.
    [row] = await ctx.database.fetch(
        select(fact.c.occurred_at, fact.c.payload).where(
            fact.c.kind == KIND, fact.c.account == who.app, fact.c.source_key == source_key
        )
    )
    return VisitRecord(row.occurred_at, row.payload["scene"], row.payload["path"])
