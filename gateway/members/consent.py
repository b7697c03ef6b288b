"""Consent (同意): what a member allows, read from all that they and their guardian ever answered.

Nothing is overwritten: the newest answer of a purpose counts. After a merge the stricter side counts from the merge on.
That is computed when it is read, so that an unmerge gives each side its own answers back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select

from gateway.database.facts import Fact, Source
from gateway.database.prepared import Prepared, list_of
from gateway.database.reading import Fetch, fetching
from gateway.database.rows import AnyRow
from gateway.database.statements import insert_new
from gateway.database.tables.members import consent, member
from gateway.database.ulid import Ulids
from gateway.events.projector import Batch, Projector
from gateway.members.family import Family, families


class Purpose(StrEnum):
    """What personal data may be used for (处理目的)."""

    SERVICE = "SERVICE"
    MARKETING = "MARKETING"
    PROFILING = "PROFILING"
    AD_MATCHING = "AD_MATCHING"
    SHARE_FRANCHISEE = "SHARE_FRANCHISEE"


#: Allowed without an answer: what the contract with the shopper needs.
BY_DEFAULT: Final = frozenset({Purpose.SERVICE})
#: The channel of an answer that nobody gave: a merge made the stricter side's count.
MERGE: Final = "MERGE"
LONGEST: Final = 40
LONGEST_PROOF: Final = 4000


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, as recorded. ``proof`` is filled only where it was asked for."""

    member: str
    purpose: Purpose
    given: bool
    at: datetime
    policy_version: str
    channel: str
    guardian: bool
    recorded_at: datetime
    recorded_by: str
    id: str = ""
    proof: str | None = field(default=None, repr=False)

    def after(self) -> tuple[datetime, bool, datetime, str]:
        """Sorts by age; of two answers of one instant the stricter is the later."""
        return (self.at, not self.given, self.recorded_at, self.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a purpose stands now.

    Attributes:
        given: whether it is allowed; for a member under 14 a guardian must have given it.
        guardian_missing: it was given, but not by a guardian, and the member is under 14.
        since: of the answer that counts; None when nobody was asked.
        history: newest first, answers that a merge stands for included.
    """

    purpose: Purpose
    given: bool
    guardian_missing: bool
    since: datetime | None
    policy_version: str | None
    channel: str | None
    history: tuple[Answer, ...]


def standing(family: Family, answers: Sequence[Answer], purpose: Purpose, now: datetime) -> Standing:
    """Where a purpose stands for a family, given all of its answers."""
    history = sorted(_joined(family, [each for each in answers if each.purpose is purpose]), key=Answer.after)
    if not history:
        return Standing(purpose, purpose in BY_DEFAULT, False, None, None, None, ())
    last = history[-1]
    missing = last.given and not last.guardian and family.under_age(now)
    return Standing(
        purpose,
        last.given and not missing,
        missing,
        last.at,
        last.policy_version,
        last.channel,
        tuple(reversed(history)),
    )


def _joined(family: Family, answers: Iterable[Answer]) -> list[Answer]:
    """The answers of all ids, and for each merge that met a withdrawal, that withdrawal again at the merge."""
    own: dict[str, list[Answer]] = {}
    for each in answers:
        own.setdefault(each.member, []).append(each)
    joined = own.get(family.member, [])[:]
    for lost, at in sorted(family.joined.items(), key=lambda item: item[1]):
        theirs = own.get(lost, [])
        sides = [side for side in (_latest(joined, at), _latest(theirs, at)) if side is not None]
        strict = [side for side in sides if not side.given]
        joined += theirs
        # A merge with somebody who never answered changes nothing: the one answer stands as it is.
        if strict and len(sides) == 2:
            last = max(strict, key=Answer.after)
            joined.append(replace(last, at=at, recorded_at=at, channel=MERGE, recorded_by=MERGE, id="", proof=None))
    return joined


def _latest(answers: Iterable[Answer], at: datetime) -> Answer | None:
    return max((each for each in answers if each.at <= at), key=Answer.after, default=None)


async def answers_of(fetch: Fetch, found: Iterable[Family], *, proof: bool = False) -> Mapping[str, list[Answer]]:
    """All answers by the family's member: one statement. For proofs the members' keys must be loaded."""
    by_id = {each: family.member for family in found for each in family.ids}
    rows = await fetch(_ANSWERS[proof], {"ids": list(by_id)})
    grouped: dict[str, list[Answer]] = {}
    for row in rows:
        grouped.setdefault(by_id[row.member], []).append(_answer(row, proof=proof))
    return grouped


#: Without their proofs, which are sealed, and with them.
_ANSWERS: Final = {
    proof: Prepared(
        select(*(column for column in consent.columns if proof or column is not consent.c.proof)).where(
            consent.c.member.in_(list_of("ids"))
        )
    )
    for proof in (False, True)
}


def _answer(row: AnyRow, *, proof: bool) -> Answer:
    return Answer(
        member=row.member,
        purpose=Purpose(row.purpose),
        given=row.allowed == "GIVEN",
        at=row.given_at,
        policy_version=row.policy_version,
        channel=row.channel,
        guardian=row.guardian,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
        id=row.id,
        proof=row.proof if proof and isinstance(row.proof, str) else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer to record.

    Attributes:
        at: when it was given, for what was taken earlier and is recorded now; None for an answer of this moment,
            which is then newer than every other.
        key: the same key again is the same answer; empty for none.
    """

    member: str
    purpose: Purpose
    given: bool
    policy_version: str
    channel: str
    recorded_by: str
    guardian: bool = False
    at: datetime | None = None
    identity: str | None = None
    proof: str = field(default="", repr=False)
    key: str = ""
    source: Source = "own"


class ConsentRefused(Exception):
    """An answer that cannot be recorded; ``code`` stands in docs/errors.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


async def record(projector: Projector, said: Said) -> None:
    """Write one answer in a transaction of its own. Raises ConsentRefused; nothing is written then."""
    async with projector.batch() as batch:
        await write(batch, projector, said)


async def write(batch: Batch, projector: Projector, said: Said) -> None:
    """The same inside a transaction, for imports. Raises ConsentRefused.

    Answers about one member wait for each other, so that their order is that of their instants.
    """
    now, keyring = projector.clock.now(), projector.database.keyring
    if batch.connection.dialect.name == "postgresql":
        await batch.connection.execute(select(member.c.id).where(member.c.id == said.member).with_for_update())
    fetch = fetching(batch.connection)
    family = (await families(fetch, keyring, [said.member])).get(said.member)
    if family is None or family.erased:
        raise ConsentRefused("MEMBER_UNKNOWN", "There is no such member.")
    _check(said, family, now)
    before = (await answers_of(fetch, [family])).get(family.member, [])
    newest = max((each.at for each in before if each.purpose is said.purpose), default=None)
    at = said.at or (now if newest is None or newest < now else newest + timedelta(microseconds=1))
    answer_id = Ulids(projector.clock).next(now)
    row = _row(said, family.member, at, answer_id, now)
    row["proof"] = keyring.seal(said.proof, subject=family.member) if said.proof else None
    if await insert_new(batch.connection, consent, [row], keys=("source_key",)):
        batch.facts.append(_fact(said, family.member, at, answer_id))


async def write_list(batch: Batch, said: Sequence[Said], minors: Collection[str]) -> None:
    """Write what a list says that people answered, in one statement; an answer that is recorded stays as it is.

    Every answer has its instant and a key, and no proof. ``minors`` are the members under 14, for whom a list that
    names no guardian allows nothing. The caller has looked at texts and instants, as ``write`` does.
    """
    taken = [each for each in said if not (each.given and not each.guardian and each.member in minors)]
    ulids, now = Ulids(), batch.now
    rows, facts = [], []
    for each in taken:
        if each.at is None or not each.key:
            raise ValueError("an answer of a list needs its instant and a key")
        rows.append(_row(each, each.member, each.at, ulids.next(now), now))
        # Told by its key, so that an answer that is recorded already is told no second time.
        facts.append(_fact(each, each.member, each.at, rows[-1]["source_key"]))
    await insert_new(batch.connection, consent, rows, keys=("source_key",))
    batch.facts += facts


def _row(said: Said, who: str, at: datetime, answer_id: str, now: datetime) -> dict[str, Any]:
    return {
        "id": answer_id,
        "member": who,
        "purpose": said.purpose.value,
        "given_at": at,
        "allowed": "GIVEN" if said.given else "WITHDRAWN",
        "policy_version": said.policy_version,
        "channel": said.channel,
        "guardian": said.guardian,
        "recorded_at": now,
        "recorded_by": said.recorded_by,
        "source_key": f"{said.recorded_by}:{said.key}" if said.key else answer_id,
    }


def _check(said: Said, family: Family, now: datetime) -> None:
    if not 1 <= len(said.policy_version) <= LONGEST:
        raise ConsentRefused("BAD_USER_INPUT", f"policyVersion must have 1 to {LONGEST} characters.")
    if not 1 <= len(said.channel) <= LONGEST or said.channel == MERGE:
        raise ConsentRefused("BAD_USER_INPUT", f"channel must have 1 to {LONGEST} characters, and not be {MERGE}.")
    if len(said.proof) > LONGEST_PROOF:
        raise ConsentRefused("BAD_USER_INPUT", f"proof must have at most {LONGEST_PROOF} characters.")
    if said.at is not None and said.at > now:
        raise ConsentRefused("BAD_USER_INPUT", "givenAt lies in the future: give the instant of the answer.")
    # To withdraw is never made hard: a child may do it alone.
    if said.given and not said.guardian and family.under_age(said.at or now):
        raise ConsentRefused(
            "GUARDIAN_REQUIRED", "The member is under 14: a guardian must answer; then send guardian: true."
        )


def _fact(said: Said, who: str, at: datetime, answer_id: str) -> Fact:
    return Fact(
        kind="consent.given" if said.given else "consent.withdrawn",
        occurred_at=at,
        source=said.source,
        source_key=answer_id,
        member=who,
        identity=said.identity,
        reason=said.purpose.value,
        payload={"policyVersion": said.policy_version, "channel": said.channel, "guardian": said.guardian},
    )
