"""A shopper gives their phone number: WeChat vouches for it, and the rules say whose it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Literal

from sqlalchemy import delete, select

from gateway.database.keyring import Erased
from gateway.database.statements import insert_new
from gateway.database.tables.members import identity, phone_proof
from gateway.events.kinds import PHONE_ISSUER, normal
from gateway.members.answers import Decided, Person, Refusal
from gateway.members.decisions import Refused, Step, anchor, transact
from gateway.members.gathering import by_ids, by_keys, cluster, links_among
from gateway.members.graph import IdentityGraph
from gateway.members.linking import Claim, Identity
from gateway.members.partition import partition

Resolution = Literal["MERGE", "TRANSFER"]

MUTATION = "memberPhoneBind"
#: How long what a code told is remembered, so that a repeated call needs no second tap.
PROOF_LIFE = timedelta(minutes=10)


async def proved(graph: IdentityGraph, code: str, identity_id: str, ask: Callable[[], Awaitable[str]]) -> str | None:
    """The number behind a code: remembered, or asked of the platform. None where another shopper used the code."""
    held = await graph.database.one(select(phone_proof).where(phone_proof.c.code_hash == code))
    if held is not None and held.proved_at > graph.clock.now() - PROOF_LIFE:
        return held.phone if held.identity == identity_id and not isinstance(held.phone, Erased) else None
    number = normal("PHONE", await ask())
    home = await graph.database.one(select(identity.c.home).where(identity.c.id == identity_id))
    now = graph.clock.now()
    async with graph.database.write() as connection:
        await connection.execute(delete(phone_proof).where(phone_proof.c.proved_at <= now - PROOF_LIFE))
        row = {
            "code_hash": code,
            "identity": identity_id,
            "phone": graph.database.keyring.seal(number, subject=None if home is None else home.home),
            "proved_at": now,
        }
        await insert_new(connection, phone_proof, [row], keys=("code_hash",))
    return number


async def bind(
    graph: IdentityGraph, identity_id: str, number: str, resolution: Resolution | None, who: Person
) -> Decided | Refusal:
    """The number is the shopper's whose identity it is.

    Where it is another member's whom the rules keep apart, nothing is done until the shopper says which it is: MERGE
    (both are theirs) or TRANSFER (二次放号: the number has changed hands).
    """
    if graph.rules.blocks("PHONE", number):
        return Refusal("IDENTITY_BLOCKED", "this number names nobody; the setting identity.blocked lists such values.")
    key = ("PHONE", PHONE_ISSUER, graph.database.keyring.hash(number, "identity"))

    async def work(step: Step) -> Decided | Refusal:
        for each in (*await by_ids(step.fetch, [identity_id]), *await by_keys(step.fetch, {key})):
            step.draft.know(each)
        mine, cause = step.draft.identities[identity_id], step.cause(MUTATION)
        phone = step.draft.find(key)
        if phone is None:
            phone = step.draft.add(key, number, "CONDITIONAL", cause)
        elif phone.strength == "WEAK":
            phone.strength = "CONDITIONAL"
            step.draft.change(phone)
        if resolution == "TRANSFER" and phone.member not in (None, mine.member):
            await _release(step, phone, mine, who)
        await links_among(step.fetch, step.draft, (mine.id, *(() if phone.new else (phone.id,))))
        step.draft.join(mine, phone, "CONDITIONAL", cause, decided_by=who.by)
        if resolution == "MERGE" and phone.member not in (None, mine.member):
            holder = anchor(await step.identities(str(phone.member)), str(phone.member))
            await links_among(step.fetch, step.draft, (mine.id, holder.id))
            step.draft.join(mine, holder, "DECIDED", cause, decided_by=who.by)
        elif not await _joins(step, mine, phone):
            raise Refused(await _refusal(step, phone, mine))
        said = Claim(mine.id, "phone", f"own.{MUTATION}", number, True, step.now)
        step.draft.claims[(said.identity, said.field, said.source)] = said
        step.draft.touched.setdefault(mine.id, cause)
        await step.write()
        return Decided(mine.member)

    try:
        return await transact(graph, work)
    except Refused as refused:
        return refused.refusal


async def _refusal(step: Step, phone: Identity, mine: Identity) -> Refusal:
    if phone.member in (None, mine.member):
        return Refusal(
            "PHONE_NOT_BINDABLE", "you have as many numbers as one member may have, or too many people show this one."
        )
    links = [each for each in step.draft.links.values() if each.counts and phone.id in (each.a, each.b)]
    both = any(each.strength == "CONDITIONAL" and mine.id not in (each.a, each.b) for each in links)
    return Refusal(
        "PHONE_BOUND_ELSEWHERE",
        "another member has this number: MERGE if both are you, TRANSFER if the number is yours now.",
        ("MERGE", "TRANSFER") if both else ("TRANSFER",),
    )


async def _release(step: Step, phone: Identity, mine: Identity, who: Person) -> None:
    """Take the number from everybody else: from now on they are not reached by it, nor it shown as theirs."""
    others = [each for each in await step.links_of([phone.id]) if not each.retired]
    kept = {each.id for each in await step.identities(mine.member or "")}
    await step.retire([each for each in others if not {each.a, each.b} & kept], who, MUTATION)


async def _joins(step: Step, mine: Identity, phone: Identity) -> bool:
    """Whether the rules let the number join its new owner."""
    rules = step.graph.rules.limits
    reach = await cluster(step.fetch, step.draft, {mine.id, phone.id}, links_per_identity=rules.links_per_identity)
    links = [each for each in step.draft.links.values() if each.counts and {each.a, each.b} <= reach.ids]
    nodes = {each: step.draft.identities[each].node() for each in reach.ids}
    found = partition(nodes, [each.edge() for each in links], rules, reach.crowded)
    return any(mine.id in group and phone.id in group for group in found.groups)
