"""Followers and tags of official accounts (公众号关注者、标签)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update

from adapters.official_account import (
    ArticlesPublished,
    DeliveryStatus,
    Follower,
    FollowerChanged,
    Interacted,
    MassDelivered,
    MassStatus,
    PublishStatus,
    QrScanned,
    Tag,
    TemplateDelivered,
)
from gateway.database.facts import Fact, Source
from gateway.database.reading import chunks
from gateway.database.rows import AnyRow
from gateway.database.statements import upsert
from gateway.database.tables.followers import mass_message, publication
from gateway.database.tables.members import identity
from gateway.database.tables.projections import dialogue, follower, follower_tag
from gateway.events import labels
from gateway.events.erased import unless_erased
from gateway.events.kinds import normal
from gateway.events.projector import Batch, Evidence, Linked, Projector, whole_second

TOOL = "official_account"


async def followers(projector: Projector, records: Sequence[Follower], *, source: Source = "poll") -> int:
    """Followers as the platform shows them now."""
    now = projector.clock.now()
    evidence = [
        Evidence(
            projector.handles(appid=each.appid, openid=each.openid, unionid=each.unionid),
            f"{TOOL}.user_info",
            each.subscribed_at or now,
            via=source,
        )
        for each in records
    ]
    since = [each.subscribed_at for each in records]
    records, evidence = await unless_erased(projector, records, evidence, since)
    async with projector.batch(evidence) as batch:
        rows = [_row(batch, each, linked) for each, linked in zip(records, batch.linked, strict=True)]
        batch.facts += [
            _fact(each.appid, linked, "follow", each.subscribed_at, each.qr_scene, source)
            for each, linked in zip(records, batch.linked, strict=True)
            if each.subscribed and each.subscribed_at is not None
        ]
        wrote = await batch.upsert(follower, rows)
        await labels.keep(batch.connection, [each.member for each in batch.linked])
        return wrote


async def absent(projector: Projector, appid: str) -> None:
    """After a whole reading that began at ``projector.as_of``: whoever was not listed follows no more.

    When they left is not known; the fact carries the instant at which it was found out.
    """
    async with projector.batch() as batch:
        untouched = (
            await batch.connection.execute(
                select(follower.c.appid, follower.c.identity, identity.c.member, identity.c.home)
                .join(identity, identity.c.id == follower.c.identity)
                .where(follower.c.appid == appid, follower.c.subscribed, follower.c.as_of < batch.as_of)
            )
        ).all()
        gone = batch.unlisted(follower, untouched)
        for some in chunks([row.identity for row in gone]):
            theirs = (follower.c.appid == appid, follower.c.identity.in_(some))
            await batch.watch(follower, *theirs)
            await batch.connection.execute(update(follower).where(*theirs).values(subscribed=False, as_of=batch.as_of))
        linked = [Linked(row.identity, row.member, row.home) for row in gone]
        await labels.keep(batch.connection, [each.member for each in linked])
        batch.facts += [_fact(appid, each, "unfollow", batch.as_of, "", "poll") for each in linked]


async def tags(projector: Projector, appid: str, records: Sequence[Tag]) -> int:
    """The account's tags, all of them: one that is not listed is gone."""
    async with projector.batch() as batch:
        rows = [{"appid": appid, "id": each.id, "name": each.name, "followers": each.followers} for each in records]
        wrote = await batch.upsert(follower_tag, rows)
        gone = (follower_tag.c.appid == appid, follower_tag.c.id.not_in([each.id for each in records]))
        await batch.watch(follower_tag, *gone)
        await batch.connection.execute(delete(follower_tag).where(*gone, follower_tag.c.as_of < batch.as_of))
        return wrote


async def tag_kept(batch: Batch, appid: str, tag: int, name: str) -> None:
    """A tag that the gateway itself made or renamed. How many carry it is read with the next sync."""
    known = (follower_tag.c.appid == appid, follower_tag.c.id == tag)
    row = (await batch.connection.execute(select(follower_tag.c.followers).where(*known))).one_or_none()
    followers = 0 if row is None else row.followers
    await batch.upsert(follower_tag, [{"appid": appid, "id": tag, "name": name, "followers": followers}])


async def tag_gone(batch: Batch, appid: str, tag: int) -> None:
    """A tag that the gateway itself deleted: what followers still have of it has no name any more."""
    await batch.connection.execute(delete(follower_tag).where(follower_tag.c.appid == appid, follower_tag.c.id == tag))


@dataclass(frozen=True, slots=True)
class Tagging:
    """A tag that the gateway itself gave to followers, or, ``adding`` False, took off them. ``identities`` are our
    ids."""

    appid: str
    tag: int
    name: str
    identities: tuple[str, ...]
    adding: bool
    key: str


async def tagged(batch: Batch, taggings: Sequence[Tagging]) -> None:
    """What was done by API, which the platform calls nobody back for. Whoever was erased carries nothing."""
    members = []
    for each in taggings:
        for some in chunks(each.identities):
            found = await batch.connection.execute(
                select(follower.c.identity, follower.c.tag_ids, identity.c.member, identity.c.home)
                .join(identity, identity.c.id == follower.c.identity)
                .where(follower.c.appid == each.appid, follower.c.identity.in_(some))
                .order_by(follower.c.identity)
                .with_for_update(of=follower)
            )
            for row in found.all():
                kept = [tag for tag in row.tag_ids if tag != each.tag]
                await batch.connection.execute(
                    update(follower)
                    .where(follower.c.appid == each.appid, follower.c.identity == row.identity)
                    .values(tag_ids=[*kept, each.tag] if each.adding else kept, as_of=batch.as_of)
                )
                members.append(row.member)
                batch.facts.append(
                    Fact(
                        kind="follower.tagged" if each.adding else "follower.untagged",
                        occurred_at=batch.now,
                        source="own",
                        source_key=f"{each.key}:{each.tag}:{row.identity}",
                        account=each.appid,
                        tool=TOOL,
                        member=row.member,
                        identity=row.identity,
                        payload={"name": each.name},
                    )
                )
    await labels.keep(batch.connection, members)


@dataclass(frozen=True, slots=True)
class Blocking:
    """Followers who are on the account's blacklist now, or, ``blocked`` False, no more. ``identities`` are our ids."""

    appid: str
    identities: tuple[str, ...]
    blocked: bool
    key: str
    source: Source = "own"


async def blocked(batch: Batch, blocking: Blocking) -> None:
    """Rows and facts of those for whom it is new. Whoever is known better already is left."""
    for some in chunks(sorted(set(blocking.identities))):
        older = or_(follower.c.block_as_of.is_(None), follower.c.block_as_of < batch.as_of)
        theirs = (follower.c.appid == blocking.appid, follower.c.identity.in_(some), older)
        await batch.watch(follower, *theirs)
        rows = (
            await batch.connection.execute(
                select(follower.c.identity, follower.c.blocked_at, identity.c.member)
                .join(identity, identity.c.id == follower.c.identity)
                .where(*theirs)
                .order_by(follower.c.identity)
                .with_for_update(of=follower)
            )
        ).all()
        new = [row for row in rows if (row.blocked_at is None) is blocking.blocked]
        same = [row.identity for row in rows if (row.blocked_at is None) is not blocking.blocked]
        at = batch.now if blocking.blocked else None
        for ids, values in (([row.identity for row in new], {"blocked_at": at}), (same, {})):
            if ids:
                await batch.connection.execute(
                    update(follower)
                    .where(follower.c.appid == blocking.appid, follower.c.identity.in_(ids))
                    .values(block_as_of=batch.as_of, **values)
                )
        batch.facts += [
            Fact(
                kind="follower.blocked" if blocking.blocked else "follower.unblocked",
                occurred_at=batch.now,
                source=blocking.source,
                source_key=f"{blocking.key}:{row.identity}",
                account=blocking.appid,
                tool=TOOL,
                member=row.member,
                identity=row.identity,
            )
            for row in new
        ]


async def blacklist(projector: Projector, appid: str, openids: Sequence[str]) -> None:
    """The account's blacklist, all of it, as it was at ``projector.as_of``: whoever is not listed is not on it."""
    async with projector.batch() as batch:
        kind, keyring, listed = "OPENID", projector.database.keyring, list[str]()
        for some in chunks(openids):
            hashes = [keyring.hash(normal(kind, each), "identity") for each in some]
            found = await batch.connection.execute(
                select(identity.c.id).where(
                    identity.c.kind == kind, identity.c.issuer == appid, identity.c.value_hash.in_(hashes)
                )
            )
            listed += found.scalars()
        known = await batch.connection.execute(
            select(follower.c.identity).where(follower.c.appid == appid, follower.c.blocked_at.is_not(None))
        )
        gone = set(known.scalars()) - set(listed)
        key = f"blacklist:{int(batch.as_of.timestamp())}"
        await blocked(batch, Blocking(appid, tuple(listed), True, key, "poll"))
        await blocked(batch, Blocking(appid, tuple(gone), False, key, "poll"))


async def remarked(batch: Batch, appid: str, identities: Sequence[str], text: str, key: str) -> None:
    """The brand's own note about a follower, sealed as all that hangs on the identity. Whoever was erased has none."""
    rows = await batch.connection.execute(
        select(identity.c.id, identity.c.member, identity.c.home)
        .join(follower, follower.c.identity == identity.c.id)
        .where(follower.c.appid == appid, identity.c.id.in_(identities), identity.c.member.is_not(None))
        .order_by(identity.c.id)
    )
    for row in rows.all():
        linked = Linked(row.id, row.member, row.home)
        await batch.connection.execute(
            update(follower)
            .where(follower.c.appid == appid, follower.c.identity == row.id)
            .values(remark=batch.seal(text, linked), as_of=batch.as_of)
        )
        batch.facts.append(
            Fact(
                kind="follower.remarked",
                occurred_at=batch.now,
                source="own",
                source_key=f"{key}:{row.id}",
                account=appid,
                tool=TOOL,
                member=row.member,
                identity=row.id,
            )
        )


async def changed(projector: Projector, events: Sequence[FollowerChanged]) -> None:
    """Follow and unfollow events, one of a follower. The tags of a new follower come with the next read."""
    evidence = [_heard(projector, event) for event in events]
    # To leave is no new contact: it must not bring back who was erased.
    since = [event.at if event.subscribed else None for event in events]
    events, evidence = await unless_erased(projector, events, evidence, since)
    async with projector.batch(evidence) as batch:
        pairs = list(zip(events, batch.linked, strict=True))
        held = await _stored(batch, pairs)
        await batch.upsert(
            follower,
            [_heard_row(batch, each, linked, held.get((each.appid, linked.identity))) for each, linked in pairs],
        )
        await labels.keep(batch.connection, [linked.member for linked in batch.linked])
        await _spoke(batch, [(each, linked, "FOLLOW") for each, linked in pairs if each.subscribed])
        batch.facts += [
            _fact(each.appid, linked, "follow" if each.subscribed else "unfollow", each.at, each.scene_key, "webhook")
            for each, linked in pairs
        ]


async def interacted(projector: Projector, events: Sequence[Interacted | QrScanned]) -> None:
    """Followers wrote, tapped or scanned: for a while the account may answer them."""
    evidence = [_heard(projector, event) for event in events]
    events, evidence = await unless_erased(projector, events, evidence)
    async with projector.batch(evidence) as batch:
        found = [
            (each, linked, "SCAN" if isinstance(each, QrScanned) else each.kind)
            for each, linked in zip(events, batch.linked, strict=True)
        ]
        await _spoke(batch, found)
        for each, linked, kind in found:
            scene = each.scene_key if isinstance(each, QrScanned) else ""
            name = "qr.scan" if kind == "SCAN" else f"official_account.{kind.lower()}"
            batch.facts.append(_fact(each.appid, linked, name, each.at, scene, "webhook"))


async def delivered(projector: Projector, events: Sequence[TemplateDelivered]) -> None:
    """Template messages arrived, or did not. The number is the platform's own, given when it accepted the message."""
    evidence = [_heard(projector, event) for event in events]
    # What the platform ends is no new contact.
    events, evidence = await unless_erased(projector, events, evidence, [None] * len(events))
    async with projector.batch(evidence) as batch:
        batch.facts += [
            Fact(
                kind="message.delivered" if each.status is DeliveryStatus.DELIVERED else "message.failed",
                occurred_at=each.at,
                source="webhook",
                source_key=each.message_id,
                account=each.appid,
                tool=TOOL,
                member=linked.member,
                identity=linked.identity,
                reason=None if each.status is DeliveryStatus.DELIVERED else each.status.value,
                payload={"message": each.message_id},
            )
            for each, linked in zip(events, batch.linked, strict=True)
        ]


async def publications_ended(
    projector: Projector, events: Sequence[ArticlesPublished], *, source: Source = "webhook"
) -> None:
    """Publications ended: ours, and those that somebody began in the platform's console."""
    async with projector.batch() as batch:
        ends = [
            {
                "appid": each.appid,
                "publish_id": each.publication.publish_id,
                "at": each.at,
                "state": each.publication.status.value,
                "article_id": each.publication.article_id or None,
                "failed": list(each.publication.failed),
                "settled_at": each.at,
            }
            for each in events
        ]
        # The event may come before the transaction that began it has told our book.
        await upsert(batch.connection, publication, ends, keys=("appid", "publish_id"), insert_only=("at",))
        batch.facts += [
            Fact(
                kind="article.published",
                occurred_at=each.at,
                source=source,
                source_key=each.publication.publish_id,
                account=each.appid,
                tool=TOOL,
                reason=None if each.publication.status is PublishStatus.PUBLISHED else each.publication.status.value,
                payload={"publication": each.publication.publish_id, "article": each.publication.article_id},
            )
            for each in events
        ]


async def mass_delivered(projector: Projector, events: Sequence[MassDelivered]) -> None:
    """Mass messages ended: ours, and those that somebody sent in the platform's console."""
    async with projector.batch() as batch:
        ends = [
            {
                "appid": each.appid,
                "message_id": each.message_id,
                "at": each.at,
                "state": each.status.value,
                "reason": each.reason or None,
                "total": each.total,
                "filtered": each.filtered,
                "sent": each.sent,
                "failed": each.failed,
                "finished_at": each.at,
            }
            for each in events
        ]
        # The event may come before the transaction that sent it has told our book.
        await upsert(batch.connection, mass_message, ends, keys=("appid", "message_id"), insert_only=("at",))
        batch.facts += [
            Fact(
                kind="mass_message.finished",
                occurred_at=each.at,
                source="webhook",
                source_key=each.message_id,
                account=each.appid,
                tool=TOOL,
                quantity=each.sent,
                reason=each.reason or (None if each.status is MassStatus.SENT else each.status.value),
                payload={
                    "message": each.message_id,
                    "total": each.total,
                    "filtered": each.filtered,
                    "failed": each.failed,
                },
            )
            for each in events
        ]


def _heard(projector: Projector, event: FollowerChanged | Interacted | QrScanned | TemplateDelivered) -> Evidence:
    handles = projector.handles(appid=event.appid, openid=event.openid, unionid=None)
    return Evidence(handles, f"{TOOL}.event", event.at, via="webhook")


async def _stored(batch: Batch, pairs: Sequence[tuple[FollowerChanged, Linked]]) -> Mapping[tuple[str, str], AnyRow]:
    rows = await batch.connection.execute(
        select(follower).where(
            follower.c.appid.in_({each.appid for each, _ in pairs}),
            follower.c.identity.in_({linked.identity for _, linked in pairs}),
        )
    )
    return {(row.appid, row.identity): row for row in rows}


def _heard_row(batch: Batch, event: FollowerChanged, linked: Linked, stored: AnyRow | None) -> dict[str, object]:
    """What an event tells, over what is known already."""
    return {
        "appid": event.appid,
        "identity": linked.identity,
        "subscribed": event.subscribed,
        "subscribed_at": event.at if event.subscribed else stored and stored.subscribed_at,
        "scene": stored.scene if stored else "",
        "qr_scene": event.scene_key or (stored.qr_scene if stored else ""),
        "remark": batch.seal(stored.remark or "" if stored else "", linked),
        "tag_ids": stored.tag_ids if stored else [],
        "as_of": whole_second(event.at),
    }


async def _spoke(batch: Batch, found: Sequence[tuple[FollowerChanged | Interacted | QrScanned, Linked, str]]) -> None:
    await batch.upsert(
        dialogue,
        [
            {
                "appid": each.appid,
                "identity": linked.identity,
                "kind": kind,
                "at": each.at,
                "as_of": whole_second(each.at),
            }
            for each, linked, kind in found
        ],
    )


def _row(batch: Batch, record: Follower, linked: Linked) -> dict[str, object]:
    return {
        "appid": record.appid,
        "identity": linked.identity,
        "subscribed": record.subscribed,
        "subscribed_at": record.subscribed_at,
        "scene": record.scene,
        "qr_scene": record.qr_scene,
        "remark": batch.seal(record.remark, linked),
        "tag_ids": list(record.tag_ids),
    }


def _fact(appid: str, linked: Linked, kind: str, at: datetime | None, scene: str, source: Source) -> Fact:
    if at is None:
        raise ValueError("a fact needs its instant")
    return Fact(
        kind=kind,
        occurred_at=at,
        source=source,
        source_key=f"{linked.identity}:{int(at.timestamp())}",
        account=appid,
        tool=TOOL,
        member=linked.member,
        identity=linked.identity,
        payload={"scene": scene} if scene else {},
    )
