"""Welcomes (新客户欢迎语): a guide's new contact is greeted within the 20 seconds in which the platform allows it.

A welcome is a SERVICE message that answers whoever adds a guide: it asks the gate for consent and erasure, and counts
under no cap. Its code works once. So the attempt is committed before the platform is called, an event that comes twice
finds it, and nothing is ever repeated. https://developer.work.weixin.qq.com/document/path/92137
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from sqlalchemy import and_, select

from adapters.base.deadline import deadline
from adapters.base.errors import OutcomeUnknown, UpstreamError
from adapters.base.secrets import Secret
from adapters.enterprise_chat import (
    MEDIA_LIVES,
    WELCOME_CODE_LIVES,
    ContactAdded,
    EnterpriseChatAdapter,
    Welcome,
    WelcomeCard,
    WelcomeLink,
)
from gateway import settings
from gateway.database.facts import Fact, append_facts
from gateway.database.rows import AnyRow
from gateway.database.tables.dimensions import guide, guide_store, store
from gateway.database.tables.members import identity
from gateway.events.kinds import normal
from gateway.events.projector import Projector
from gateway.members.consent import Purpose
from gateway.members.gate import Asked, Gate
from gateway.members.reach import Channel
from gateway.runtime import OpenTools

#: Reads a new contact and links who they are.
Meet = Callable[[str, Sequence[ContactAdded]], Awaitable[None]]
#: A picture is uploaded again before the platform forgets it.
_RENEW: Final = MEDIA_LIVES - timedelta(hours=6)


class Welcomes:
    """Greets new contacts, by the first configured message that fits."""

    def __init__(
        self,
        projector: Projector,
        tools: OpenTools,
        gate: Gate,
        messages: Sequence[settings.Welcome],
        meet: Meet,
    ) -> None:
        self._projector = projector
        self._tools = tools
        self._gate = gate
        self._messages = messages
        self._meet = meet
        #: (corpid, path) → media_id and when it was uploaded.
        self._pictures: dict[tuple[str, str], tuple[str, datetime]] = {}

    async def send(self, account: str, added: ContactAdded) -> None:
        """Use the welcome code of a contact, if there is one and a message for it. Fails with a fact, never twice."""
        if added.welcome_code is None:
            return
        found = await self._fitting(added)
        if found is None:
            return
        adapter = self._tools.get(EnterpriseChatAdapter, account)
        left = added.at + WELCOME_CODE_LIVES - self._projector.clock.now()
        with deadline(left.total_seconds()):
            try:
                # Consent hangs on the member, whom only the platform's answer may tell.
                await self._meet(account, [added])
                welcome = await self._filled(adapter, added.welcome_code, *found)
            except UpstreamError as error:
                await self._tell("message.failed", added, await self._who(added), error.reason)
                return
            who = await self._who(added)
            about = Asked(
                purpose=Purpose.SERVICE, channel=Channel.WELCOME, key=_key(added), account=account, guide=_guide(added)
            )
            async with self._projector.batch() as batch:
                asked = [who.member] if who is not None and who.member is not None else []
                decisions = await self._gate.decide(about, asked, batch=batch)
                if not all(each.allowed for each in decisions):
                    return
                attempt = self._fact("message.attempted", added, who)
                if not await append_facts(batch.connection, [attempt], clock=self._projector.clock):
                    return
            try:
                await adapter.send_welcome(welcome)
            except OutcomeUnknown:
                await self._tell("message.failed", added, who, "outcome_unknown")
            except UpstreamError as error:
                await self._tell("message.failed", added, who, error.reason)
            else:
                await self._tell("message.accepted", added, who)

    async def _fitting(self, added: ContactAdded) -> tuple[settings.Welcome, str] | None:
        """The first message that fits, and its text with the names filled in."""
        names = await self._names(added)
        for each in self._messages:
            if not fnmatchcase(added.state, each.state):
                continue
            if each.account and self._tools.named(EnterpriseChatAdapter, each.account).account != added.corpid:
                continue
            try:
                return each, each.text.format_map(names)
            except KeyError:
                continue
        return None

    async def _names(self, added: ContactAdded) -> dict[str, str]:
        """What is known of {guide} and {store}."""
        works = and_(guide_store.c.guide == guide.c.id, guide_store.c.valid_to.is_(None))
        row = await self._projector.database.one(
            select(guide.c.name, store.c.name.label("store"))
            .select_from(guide)
            .outerjoin(guide_store, works)
            .outerjoin(store, and_(store.c.id == guide_store.c.store, store.c.valid_to.is_(None)))
            .where(guide.c.id == _guide(added), guide.c.valid_to.is_(None))
            .limit(1)
        )
        found = {} if row is None else {"guide": row.name, "store": row.store}
        return {name: str(value) for name, value in found.items() if value}

    async def _filled(
        self, adapter: EnterpriseChatAdapter, code: Secret, message: settings.Welcome, text: str
    ) -> Welcome:
        link = card = None
        if message.link is not None:
            given = message.link
            link = WelcomeLink(given.title, given.url, given.picture_url, given.description)
        if message.mini_program is not None:
            shown = message.mini_program
            card = WelcomeCard(shown.title, shown.appid, shown.page, await self._picture(adapter, shown.picture))
        return Welcome(code, text, link, card)

    async def _picture(self, adapter: EnterpriseChatAdapter, path: str) -> str:
        """The media_id of a picture; uploaded once in three days."""
        now = self._projector.clock.now()
        media_id, since = self._pictures.get((adapter.account, path), ("", now))
        if not media_id or now >= since + _RENEW:
            content = await asyncio.to_thread(Path(path).read_bytes)
            media_id = await adapter.upload_image("card" + Path(path).suffix.lower(), content)
            self._pictures[adapter.account, path] = (media_id, now)
        return media_id

    async def _who(self, added: ContactAdded) -> AnyRow | None:
        """Identity (``id``) and ``member`` of the contact; None where the platform shows them to nobody yet."""
        value = normal("EXTERNAL_USERID", added.external_userid)
        return await self._projector.database.one(
            select(identity.c.id, identity.c.member).where(
                identity.c.kind == "EXTERNAL_USERID",
                identity.c.issuer == added.corpid,
                identity.c.value_hash == self._projector.database.keyring.hash(value, "identity"),
            )
        )

    async def _tell(self, kind: str, added: ContactAdded, who: AnyRow | None, reason: str | None = None) -> None:
        async with self._projector.batch() as batch:
            batch.facts.append(self._fact(kind, added, who, reason))

    def _fact(self, kind: str, added: ContactAdded, who: AnyRow | None, reason: str | None = None) -> Fact:
        state = {"state": added.state} if added.state else {}
        return Fact(
            kind=kind,
            occurred_at=self._projector.clock.now(),
            source="own",
            source_key=_key(added),
            account=added.corpid,
            tool="enterprise_chat",
            member=None if who is None else who.member,
            identity=None if who is None else who.id,
            guide=_guide(added),
            reason=reason,
            payload={"to": "new_contact", "purpose": "SERVICE", "channel": "WELCOME", **state},
        )


def _key(added: ContactAdded) -> str:
    """One per code, and so one per welcome; the log keeps its keyed hash."""
    code = "" if added.welcome_code is None else added.welcome_code.reveal()
    return f"welcome:{code}"


def _guide(added: ContactAdded) -> str:
    return f"{added.corpid}:{added.userid}"
