"""企业微信: guides, customers' contacts, tags and groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, delete, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.enterprise_chat import (
    Contact,
    ContactRemoved,
    CorpTag,
    Department,
    Group,
    HandoverFailed,
    RemovedBy,
    Unassigned,
)
from gateway.database.facts import Fact, Source
from gateway.database.reading import chunks
from gateway.database.statements import insert_new
from gateway.database.tables.members import identity
from gateway.database.tables.projections import contact, contact_tag, customer_group, customer_group_member, department
from gateway.events import labels
from gateway.events.erased import unless_erased
from gateway.events.projector import Batch, Evidence, Handle, Linked, Projector, phone_handle, whole_second

TOOL = "enterprise_chat"


def handles(projector: Projector, corpid: str, external_userid: str, unionid: str | None) -> tuple[Handle, ...]:
    """An external contact, and the unionid if the corp may see it."""
    first = Handle("EXTERNAL_USERID", corpid, external_userid)
    return (first, Handle("UNIONID", projector.open_platform, unionid)) if unionid else (first,)


def _remarked(record: Contact) -> tuple[Handle, ...]:
    """Phones that a guide noted (备注手机号): hints, which join nobody."""
    return tuple(phone_handle(each, "WEAK") for each in record.remark_mobiles)


async def contacts(projector: Projector, records: Sequence[Contact], *, source: Source = "poll") -> int:
    """外部联系人, one row per guide and customer."""
    evidence = [
        Evidence(
            handles(projector, each.corpid, each.external_userid, each.unionid) + _remarked(each),
            f"{TOOL}.external_contact",
            each.added_at,
            name=each.name,
            said_at=projector.as_of,
            via=source,
        )
        for each in records
    ]
    records, evidence = await unless_erased(projector, records, evidence)
    async with projector.batch(evidence) as batch:
        pairs = list(zip(records, batch.linked, strict=True))
        batch.facts += [
            _fact("contact.added", each.corpid, each.userid, linked, each.added_at, source, each.state)
            for each, linked in pairs
        ]
        wrote = await batch.upsert(
            contact,
            [
                {
                    "corpid": each.corpid,
                    "userid": each.userid,
                    "identity": linked.identity,
                    "name": batch.seal(each.name, linked),
                    "remark": batch.seal(each.remark, linked),
                    "add_way": each.add_way,
                    "state": each.state,
                    "added_at": each.added_at,
                    "removed_by": None,
                    "removed_at": None,
                    "tag_ids": list(each.tag_ids),
                }
                for each, linked in pairs
            ],
            # The platform goes on showing a guide whom the customer has deleted: only the event told us.
            insert_only=("removed_by", "removed_at"),
        )
        await batch.connection.execute(
            update(contact)
            .where(contact.c.as_of == batch.as_of, contact.c.removed_at < contact.c.added_at)
            .values(removed_by=None, removed_at=None)
        )
        await labels.keep(batch.connection, [linked.member for linked in batch.linked])
        return wrote


async def removed(projector: Projector, events: Sequence[ContactRemoved], *, source: Source = "webhook") -> None:
    """Customers or guides ended contacts."""
    evidence = [_heard(projector, each) for each in events]
    events, evidence = await unless_erased(projector, events, evidence, [None] * len(events))
    async with projector.batch(evidence) as batch:
        for event, linked in zip(events, batch.linked, strict=True):
            await _remove(batch, event, linked)
            kind = f"contact.deleted_by_{event.by.lower()}"
            batch.facts.append(_fact(kind, event.corpid, event.userid, linked, event.at, source, ""))
        await labels.keep(batch.connection, [linked.member for linked in batch.linked])


async def handovers_failed(projector: Projector, events: Sequence[HandoverFailed]) -> None:
    """Customers who were to go over to another guide (客户接替) and do not: with whom they are stays as it was."""
    evidence = [_heard(projector, each) for each in events]
    events, evidence = await unless_erased(projector, events, evidence, [None] * len(events))
    async with projector.batch(evidence) as batch:
        batch.facts += [
            replace(
                _fact("handover.refused", each.corpid, each.userid, linked, each.at, "webhook", ""), reason=each.reason
            )
            for each, linked in zip(events, batch.linked, strict=True)
        ]


def _heard(projector: Projector, event: ContactRemoved | HandoverFailed) -> Evidence:
    shown = handles(projector, event.corpid, event.external_userid, None)
    return Evidence(shown, f"{TOOL}.event", event.at, via="webhook")


async def _remove(batch: Batch, event: ContactRemoved, linked: Linked) -> None:
    """A guide's end hides the pair, so that a newer reading of it is right. A customer's does not: only the event
    tells, even before the pair was read, and nothing but a newer contact takes it back."""
    as_of = whole_second(event.at)
    pair = (
        contact.c.corpid == event.corpid,
        contact.c.userid == event.userid,
        contact.c.identity == linked.identity,
    )
    if event.by is RemovedBy.CUSTOMER:
        unread = {"add_way": 0, "state": "", "tag_ids": [], "as_of": event.at}
        key = {"corpid": event.corpid, "userid": event.userid, "identity": linked.identity}
        await insert_new(batch.connection, contact, [key | unread], keys=tuple(key))
        holds = and_(
            or_(contact.c.added_at.is_(None), contact.c.added_at <= as_of),
            or_(contact.c.removed_at.is_(None), contact.c.removed_at < event.at),
        )
        values = {"removed_by": event.by, "removed_at": event.at}
    else:
        holds = contact.c.as_of <= as_of
        values = {"removed_by": event.by, "removed_at": event.at, "as_of": as_of}
    await batch.connection.execute(update(contact).where(*pair, holds).values(values))


async def left_behind(projector: Projector, corpid: str, records: Sequence[Unassigned]) -> Sequence[str]:
    """Our ids of customers whom a guide who left has left behind; whoever nobody has read yet is known from now on."""
    evidence = [
        Evidence(handles(projector, corpid, each.external_userid, None), f"{TOOL}.unassigned", each.left_at)
        for each in records
    ]
    _, evidence = await unless_erased(projector, records, evidence, [None] * len(records))
    async with projector.batch(evidence) as batch:
        return list(dict.fromkeys(linked.identity for linked in batch.linked))


async def members_of(connection: AsyncConnection, identities: Iterable[str]) -> Mapping[str, str]:
    """Our id of a customer → the member; whoever was erased is left out."""
    found: dict[str, str] = {}
    for some in chunks(identities):
        rows = await connection.execute(select(identity.c.id, identity.c.member).where(identity.c.id.in_(some)))
        found |= {row.id: row.member for row in rows if row.member is not None}
    return found


@dataclass(frozen=True, slots=True)
class Tagging:
    """Tags that the gateway itself put on a contact and took off it. ``names`` are those of the tags, by id."""

    corpid: str
    userid: str
    identity: str
    add: tuple[str, ...]
    remove: tuple[str, ...]
    names: Mapping[str, str]
    key: str


async def tagged(batch: Batch, taggings: Sequence[Tagging]) -> None:
    """What was done by API, which the platform calls nobody back for. A contact that is gone carries nothing."""
    members = []
    for each in taggings:
        pair = (
            contact.c.corpid == each.corpid,
            contact.c.userid == each.userid,
            contact.c.identity == each.identity,
        )
        found = await batch.connection.execute(
            select(contact.c.tag_ids, identity.c.member, identity.c.home)
            .join(identity, identity.c.id == contact.c.identity)
            .where(*pair)
            .with_for_update(of=contact)
        )
        row = found.one_or_none()
        if row is None:
            continue
        kept = [tag for tag in row.tag_ids if tag not in each.remove]
        tag_ids = list(dict.fromkeys((*kept, *each.add)))
        await batch.connection.execute(update(contact).where(*pair).values(tag_ids=tag_ids, as_of=batch.as_of))
        linked = Linked(each.identity, row.member, row.home)
        members.append(row.member)
        batch.facts += [
            replace(
                _fact(kind, each.corpid, each.userid, linked, batch.now, "own", ""),
                source_key=f"{each.key}:{each.userid}:{each.identity}",
                payload={"name": "、".join(each.names.get(tag, "") for tag in tags)},
            )
            for kind, tags in (("contact.tagged", each.add), ("contact.untagged", each.remove))
            if tags
        ]
    await labels.keep(batch.connection, members)


async def remarked(batch: Batch, corpid: str, userid: str, an_identity: str, remark: str) -> None:
    """A remark (备注) that the gateway itself wrote. A contact that is gone, or whose member is erased, has none."""
    pair = (contact.c.corpid == corpid, contact.c.userid == userid, contact.c.identity == an_identity)
    found = await batch.connection.execute(
        select(identity.c.member, identity.c.home).where(identity.c.id == an_identity, identity.c.member.is_not(None))
    )
    row = found.one_or_none()
    if row is not None:
        sealed = batch.seal(remark, Linked(an_identity, row.member, row.home))
        await batch.connection.execute(update(contact).where(*pair).values(remark=sealed, as_of=batch.as_of))


async def absent(projector: Projector, corpid: str, userids: Sequence[str]) -> None:
    """After a whole reading of these guides that began at ``projector.as_of``: who was not listed is gone.

    The platform hides a pair when the guide ends it. When that was is not known; the fact carries the
    instant at which it was found out.
    """
    async with projector.batch() as batch:
        untouched = (
            await batch.connection.execute(
                select(contact.c.corpid, contact.c.userid, contact.c.identity, identity.c.member, identity.c.home)
                .join(identity, identity.c.id == contact.c.identity)
                .where(
                    contact.c.corpid == corpid,
                    contact.c.userid.in_(userids),
                    contact.c.removed_by.is_(None),
                    contact.c.as_of < batch.as_of,
                )
            )
        ).all()
        gone = batch.unlisted(contact, untouched)
        for some in chunks([(row.userid, row.identity) for row in gone]):
            pairs = (contact.c.corpid == corpid, tuple_(contact.c.userid, contact.c.identity).in_(some))
            await batch.watch(contact, *pairs)
            await batch.connection.execute(
                update(contact).where(*pairs).values(removed_by="GUIDE", removed_at=batch.as_of, as_of=batch.as_of)
            )
        await labels.keep(batch.connection, [row.member for row in gone])
        batch.facts += [
            _fact(
                "contact.deleted_by_guide",
                corpid,
                row.userid,
                Linked(row.identity, row.member, row.home),
                batch.as_of,
                "poll",
                "",
            )
            for row in gone
        ]


async def tags(projector: Projector, corpid: str, records: Sequence[CorpTag]) -> int:
    """企业标签, all of them: one that is not listed is gone."""
    async with projector.batch() as batch:
        wrote = await tags_kept(batch, corpid, records)
        gone = (contact_tag.c.corpid == corpid, contact_tag.c.id.not_in([each.id for each in records]))
        await batch.watch(contact_tag, *gone)
        await batch.connection.execute(delete(contact_tag).where(*gone, contact_tag.c.as_of < batch.as_of))
        return wrote


async def tags_kept(batch: Batch, corpid: str, records: Sequence[CorpTag]) -> int:
    """Some of them, as a reading has them, or as the gateway itself made or renamed them."""
    return await batch.upsert(
        contact_tag,
        [{"corpid": corpid, "id": each.id, "name": each.name, "group_name": each.group} for each in records],
    )


async def tags_gone(batch: Batch, corpid: str, tag_ids: Sequence[str]) -> None:
    """Tags that the gateway itself deleted: what contacts still have of them has no name any more."""
    gone = (contact_tag.c.corpid == corpid, contact_tag.c.id.in_(tag_ids))
    await batch.connection.execute(delete(contact_tag).where(*gone))


async def departments(projector: Projector, corpid: str, records: Sequence[Department]) -> int:
    """部门, all of them that the app sees: one that is not listed is gone."""
    async with projector.batch() as batch:
        wrote = await batch.upsert(
            department,
            [{"corpid": corpid, "id": each.id, "name": each.name, "parent": each.parent_id} for each in records],
        )
        gone = (department.c.corpid == corpid, department.c.id.not_in([each.id for each in records]))
        await batch.watch(department, *gone)
        await batch.connection.execute(delete(department).where(*gone, department.c.as_of < batch.as_of))
        return wrote


async def groups(projector: Projector, records: Sequence[Group], *, source: Source = "poll") -> int:
    """客户群 and which customers are in them."""
    customers = [(group, each) for group in records for each in group.members if each.kind == "CUSTOMER"]
    evidence = [
        Evidence(
            handles(projector, group.corpid, each.id, each.unionid),
            f"{TOOL}.group",
            each.joined_at,
            via=source,
        )
        for group, each in customers
    ]
    customers, evidence = await unless_erased(projector, customers, evidence)
    async with projector.batch(evidence) as batch:
        wrote = await batch.upsert(
            customer_group,
            [
                {
                    "corpid": each.corpid,
                    "chat_id": each.chat_id,
                    "name": each.name,
                    "owner": each.owner_userid,
                    "created_at": each.created_at,
                    "member_count": len(each.members),
                }
                for each in records
            ],
        )
        # Members follow their group: where a newer reading of it was kept, its members are kept too.
        current = await _current(batch, records)
        pairs = [pair for pair in zip(customers, batch.linked, strict=True) if pair[0][0].chat_id in current]
        await batch.watch(customer_group_member, customer_group_member.c.chat_id.in_(current))
        await batch.upsert(
            customer_group_member,
            [
                {
                    "corpid": group.corpid,
                    "chat_id": group.chat_id,
                    "identity": linked.identity,
                    "joined_at": each.joined_at,
                    "state": each.state,
                }
                for (group, each), linked in pairs
            ],
        )
        for each in records:
            if each.chat_id in current:
                await _left(batch, each.corpid, each.chat_id, each.name, source)
        batch.facts += [
            Fact(
                kind="group.joined",
                occurred_at=each.joined_at,
                source=source,
                source_key=f"{group.chat_id}:{linked.identity}:{int(each.joined_at.timestamp())}",
                account=group.corpid,
                tool=TOOL,
                member=linked.member,
                identity=linked.identity,
                guide=f"{group.corpid}:{group.owner_userid}",
                payload={"chat": group.chat_id, "group": group.name} | ({"state": each.state} if each.state else {}),
            )
            for (group, each), linked in pairs
        ]
        return wrote


async def dismissed(projector: Projector, corpid: str, chat_ids: Sequence[str], *, source: Source = "poll") -> None:
    """Groups that the platform does not know any more: nobody is in them."""
    async with projector.batch() as batch:
        found = await batch.connection.execute(
            select(customer_group.c.chat_id, customer_group.c.name).where(
                customer_group.c.corpid == corpid,
                customer_group.c.chat_id.in_(chat_ids),
                customer_group.c.as_of <= batch.as_of,
            )
        )
        for row in found.all():
            await _left(batch, corpid, row.chat_id, row.name, source)
            await batch.connection.execute(
                delete(customer_group).where(customer_group.c.corpid == corpid, customer_group.c.chat_id == row.chat_id)
            )


async def owned(batch: Batch, corpid: str, chat_ids: Sequence[str], owner: str) -> None:
    """Groups that the gateway itself gave to another owner (群主)."""
    those = (customer_group.c.corpid == corpid, customer_group.c.chat_id.in_(chat_ids))
    await batch.connection.execute(update(customer_group).where(*those).values(owner=owner))


async def _current(batch: Batch, records: Sequence[Group]) -> set[str]:
    """Groups whose row is of this very reading."""
    rows = await batch.connection.execute(
        select(customer_group.c.chat_id).where(
            customer_group.c.corpid.in_({each.corpid for each in records}),
            customer_group.c.chat_id.in_([each.chat_id for each in records]),
            customer_group.c.as_of == batch.as_of,
        )
    )
    return set(rows.scalars())


async def _left(batch: Batch, corpid: str, chat_id: str, name: str, source: Source) -> None:
    """Those whom this reading has not shown have left the group; when is not told, only that it was found out now."""
    table = customer_group_member
    absent = (table.c.corpid == corpid, table.c.chat_id == chat_id, table.c.as_of < batch.as_of)
    rows = await batch.connection.execute(
        select(table.c.identity, table.c.joined_at, identity.c.member)
        .join(identity, identity.c.id == table.c.identity)
        .where(*absent)
    )
    gone = rows.all()
    await batch.connection.execute(delete(table).where(*absent))
    batch.facts += [
        Fact(
            kind="group.left",
            occurred_at=batch.as_of,
            source=source,
            source_key=f"{chat_id}:{row.identity}:{int(row.joined_at.timestamp()) if row.joined_at else ''}",
            account=corpid,
            tool=TOOL,
            member=row.member,
            identity=row.identity,
            payload={"chat": chat_id, "group": name},
        )
        for row in gone
    ]


def _fact(kind: str, corpid: str, userid: str, linked: Linked, at: datetime | None, source: Source, state: str) -> Fact:
    if at is None:
        raise ValueError("a fact needs its instant")
    return Fact(
        kind=kind,
        occurred_at=at,
        source=source,
        source_key=f"{userid}:{linked.identity}:{int(at.timestamp())}",
        account=corpid,
        tool=TOOL,
        member=linked.member,
        identity=linked.identity,
        guide=f"{corpid}:{userid}",
        payload={"state": state} if state else {},
    )
