"""Subscribe messages (订阅消息) of a mini-program: one for each time that the member accepted the question."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from adapters.mini_program_store import MiniProgramStoreAdapter, SubscribeMessage
from gateway.members import grants
from gateway.members.consent import Purpose
from gateway.members.gate import Asked, Decision
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.messages import message_fact, must_be_allowed, openid_of, sending
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Characters of a 模板ID.
TEMPLATE_LENGTH: Final = 64
#: The platform's reason for a message that no accepted question is left for, by its own count.
_NO_GRANT: Final = "no_grant"


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``appid`` empty: by whichever mini-program the member answered."""

    member: str
    template: str
    data: Mapping[str, str]
    purpose: str
    appid: str = ""
    page: str = ""


class Send(msgspec.Struct, frozen=True):
    """The message, and the name under which the gate knows it."""

    wanted: Wanted
    key: str


class Sent(msgspec.Struct, frozen=True):
    """Taken by the platform. It gives no number, so what becomes of it is not told of this one message."""

    account: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.template) <= TEMPLATE_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"template must have 1 to {TEMPLATE_LENGTH} characters.")
    if asked.appid:
        planning.tools.get(MiniProgramStoreAdapter, asked.appid)
    return Effect(Send(asked, f"subscribeMessageSend:{planning.key}"), asked.member, {"member": asked.member})


# ONCE: the platform has no key for it and no question about it, so a repetition may spend another grant. RETRIABLE,
# which among several mutations makes it the last: what was read cannot be taken back.
@step(
    name="subscribe_message.send",
    tool="mini_program_store",
    kind=Kind.RETRIABLE,
    delivery=Delivery.ONCE,
    personal=True,
)
async def send(ctx: StepContext, intent: Send) -> Sent:
    """Through the gate, then to the platform."""
    wanted, asked = intent.wanted, about(intent.wanted, intent.key, "mini_program_store")
    [decision] = await ctx.gate.decide(asked, [wanted.member])
    async with spent(ctx, decision, wanted, asked, no_grant=_NO_GRANT):
        message = SubscribeMessage(await openid_of(ctx, decision), wanted.template, wanted.data, wanted.page)
        await ctx.tools.get(MiniProgramStoreAdapter, decision.account).send_subscribe(message)
    return Sent(decision.account)


def about(wanted: Wanted, key: str, tool: str) -> Asked:
    """What the gate is asked, which spends a grant."""
    return Asked(
        purpose=Purpose(wanted.purpose),
        channel=Channel.SUBSCRIBE_MESSAGE,
        key=key,
        account=wanted.appid,
        template=wanted.template,
        tool=tool,
    )


@asynccontextmanager
async def spent(
    ctx: StepContext, decision: Decision, wanted: Wanted, asked: Asked, *, no_grant: str
) -> AsyncIterator[None]:
    """What is sent inside is told of, and what was provably not sent gives the grant back. Of an unknown outcome it
    stays spent, and nothing is told. Raises StepRefused where the gate said no.

    ``no_grant`` is the platform's reason for a message that no accepted question is left for: its word counts.
    """
    must_be_allowed(decision)
    told = {"tool": asked.tool, "key": asked.key, "template": wanted.template, "purpose": wanted.purpose}

    async def give_back(reason: str) -> None:
        """The place under the caps, and the grant."""
        async with ctx.projector.batch() as batch:
            await ctx.gate.release(asked.key, [wanted.member], batch=batch)
            if reason == no_grant and decision.identity is not None:
                await grants.refused(batch.connection, decision.account, decision.identity, wanted.template, ctx.now)

    async with sending(ctx, decision, told, give_back):
        yield
    ctx.facts.append(message_fact(ctx, decision, "message.accepted", **told))


SEND: Final = Action("subscribeMessageSend", send, _plan)
