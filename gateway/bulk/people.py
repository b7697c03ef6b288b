"""Import of members with their profile and consents, and of identities alone: through the identity graph's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.bulk.columns import GENDERS, Column, Columns, choice, code, day, instant, phone, text, whole, yes_no
from gateway.bulk.kinds import Commit, Counts, Item, handles
from gateway.bulk.reading import Fault, Row
from gateway.events.projector import Evidence, Projector, phone_handle
from gateway.members.consent import MERGE, Purpose
from gateway.members.enrolling import Answer, Enrolling, Enrolment, Prepared
from gateway.members.graph import IdentityGraph
from gateway.members.newcomers import Standing

NAMES: Final = (
    Column("out_id", code(), "the brand's own member number (会员号)"),
    Column("unionid", code(), "unionid of the brand's Open Platform account"),
    Column("openid", code(), "openid; the name ends with the appid: `openid:wx0123456789abcdef`", prefix=True),
    Column("external_userid", code(), "外部联系人; the name ends with the corpid: `external_userid:ww…`", prefix=True),
    Column("card", code(), "membership card number; the name ends with the programme: `card:vip`", prefix=True),
)
_CONSENTS: Final = {f"consent_{purpose.lower()}": purpose for purpose in Purpose}
_WHEN_UNKNOWN: Final = Fault("VALUE_MISSING", "who imports consents says which policy they are for", "consent_policy")

MEMBER_COLUMNS: Final = Columns(
    (
        *NAMES,
        Column("phone", phone, "手机号"),
        Column("phone_verified", yes_no, "whether WeChat or a text message proved the phone; no by default"),
        Column("name", text(60), "name"),
        Column("gender", choice(GENDERS), "male or female (男, 女)"),
        Column("birthday", day, "birthday"),
        Column("city", text(40), "city"),
        Column("level", whole(0, 1000), "grade number of the level (会员等级), as in the setting levels[].grade"),
        Column("growth", whole(0, 10**12), "growth value (成长值)"),
        Column("points", whole(0, 10**12), "balance of points (积分) in the system that the file comes from"),
        Column("joined_at", instant, "when the member joined (入会时间); the time of the import by default"),
        Column("store", code(), "code of the store of first touch (入会门店)"),
        Column("guide", code(), "our id of the guide of first touch (入会导购)"),
        *(Column(name, yes_no, f"consent to {purpose}") for name, purpose in _CONSENTS.items()),
        Column("consent_policy", code(40), "version of the privacy policy; needed where a consent is given"),
        Column("consent_at", instant, "when the consents were answered; joined_at by default"),
        Column("consent_channel", code(40), "where they were answered; IMPORT by default"),
    )
)
IDENTITY_COLUMNS: Final = Columns(
    (
        *NAMES,
        Column("phone", phone, "手机号"),
        Column("phone_verified", yes_no, "whether WeChat or a text message proved the phone; no by default"),
        Column("seen_at", instant, "when they were first known to be one person; the time of the import by default"),
    )
)


class People:
    """Kind of import ``members``, or ``identities``."""

    def __init__(self, name: str, columns: Columns, projector: Projector, graph: IdentityGraph, least: int) -> None:
        self._name = name
        self._columns = columns
        self._projector = projector
        self._enrolling = Enrolling(projector, graph)
        #: Names that a row must have; one alone joins nothing.
        self._least = least

    @property
    def name(self) -> str:
        """See ``Kind``."""
        return self._name

    @property
    def columns(self) -> Columns:
        """See ``Kind``."""
        return self._columns

    def prepare(self, records: Sequence[Enrolment]) -> Prepared:
        """See ``Kind``."""
        return self._enrolling.prepare(records)

    async def write(self, prepared: Prepared, run: str, commit: Commit) -> None:
        """See ``Kind``."""
        del run

        async def end(connection: AsyncConnection, created: int, updated: int) -> None:
            await commit(connection, Counts(created, updated))

        await self._enrolling.write(prepared, end)

    def items(self, rows: Iterator[Row]) -> Iterator[Item]:
        """One row is one person."""
        for row in rows:
            record = row.fault or self._record(row)
            if isinstance(record, Fault):
                yield Item((row,), fault=record, at=row)
            else:
                yield Item((row,), record)

    def _record(self, row: Row) -> Enrolment | Fault:
        values = self._columns.parse(row.values)
        if isinstance(values, Fault):
            return values
        names = handles(values, self._projector.open_platform)
        has_phone = "phone" in values
        if len(names) + (self._least > 1 and has_phone) < self._least or not names:
            missing = "one of out_id, unionid, openid:…, external_userid:… or card:…"
            if self._least > 1:
                missing = f"two names that are one person's, of them {missing}"
            return Fault("HANDLE_MISSING", f"the row needs {missing}")
        answers = _answers(values, self._projector.clock.now())
        if isinstance(answers, Fault):
            return answers
        if values.get("phone_verified") and has_phone:
            names.append(phone_handle(values["phone"]))
        evidence = Evidence(
            tuple(names),
            f"import.{self._name}",
            values.get("joined_at") or values.get("seen_at") or self._projector.clock.now(),
            name=values.get("name", ""),
            phone=values.get("phone", ""),
            gender=values.get("gender", ""),
            birthday=values.get("birthday", ""),
            city=values.get("city", ""),
            verified=values.get("phone_verified", False),
            via="import",
        )
        standing = Standing(values.get("level"), values.get("growth"), values.get("store"), values.get("guide"))
        since = values.get("joined_at") or values.get("seen_at")
        return Enrolment(evidence, since, standing, values.get("points"), answers)


def _answers(values: Mapping[str, Any], now: datetime) -> tuple[Answer, ...] | Fault:
    given = [(purpose, values[name]) for name, purpose in _CONSENTS.items() if name in values]
    if not given:
        return ()
    if "consent_policy" not in values:
        return _WHEN_UNKNOWN
    at = values.get("consent_at") or values.get("joined_at")
    if at is None:
        return Fault("VALUE_MISSING", "a consent needs the instant at which it was answered", "consent_at")
    if at > now:
        return Fault("DATE_INVALID", "a consent cannot have been answered in the future", "consent_at")
    channel = values.get("consent_channel", "IMPORT")
    if channel == MERGE:
        return Fault("CHOICE_INVALID", f"only the gateway itself writes {MERGE}", "consent_channel")
    return tuple(Answer(purpose, allowed, values["consent_policy"], channel, at) for purpose, allowed in given)
