"""Subscribe messages (订阅通知) of an official account: one for each time that the member accepted the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from adapters.official_account import OfficialAccountAdapter, SubscribeMessage
from gateway.members import grants
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.messages import message_fact, must_be_allowed, openid_of, sending
from gateway.transactions.effects.subscribe_messages import TEMPLATE_LENGTH, Sent
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: The platform's reason for a message that no accepted question is left for, by its own count.
_NO_GRANT: Final = "user_refused"


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``appid`` empty: the first account of the settings. A tap leads to ``page``, a web
    page, or to a mini-program."""

    member: str
    template: str
    data: Mapping[str, str]
    purpose: str
    appid: str = ""
    page: str = ""
    mini_program_appid: str = ""
    mini_program_path: str = ""


class Send(msgspec.Struct, frozen=True):
    """The message, and the name under which the gate knows it."""

    wanted: Wanted
    key: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if not 1 <= len(asked.template) <= TEMPLATE_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"template must have 1 to {TEMPLATE_LENGTH} characters.")
    adapter = planning.tools.get(OfficialAccountAdapter, asked.appid or None)
    wanted = msgspec.structs.replace(asked, appid=adapter.account)
    return Effect(Send(wanted, f"subscribeMessageSend:{planning.key}"), asked.member, {"member": asked.member})


# ONCE and RETRIABLE for the same reasons as that of a mini-program.
@step(
    name="account_subscribe_message.send",
    tool="official_account",
    kind=Kind.RETRIABLE,
    delivery=Delivery.ONCE,
    personal=True,
)
async def send(ctx: StepContext, intent: Send) -> Sent:
    """Through the gate, which spends a grant, then to the platform; what was provably not sent gives it back.

    Of an unknown outcome the grant stays spent, and nothing is told.
    """
    wanted = intent.wanted
    about = Asked(
        purpose=Purpose(wanted.purpose),
        channel=Channel.SUBSCRIBE_MESSAGE,
        key=intent.key,
        account=wanted.appid,
        template=wanted.template,
        tool="official_account",
    )
    [decision] = await ctx.gate.decide(about, [wanted.member])
    must_be_allowed(decision)
    message = SubscribeMessage(
        await openid_of(ctx, decision),
        wanted.template,
        wanted.data,
        wanted.page,
        wanted.mini_program_appid,
        wanted.mini_program_path,
    )
    told = {
        "tool": "official_account",
        "key": intent.key,
        "template": wanted.template,
        "purpose": wanted.purpose,
    }

    async def give_back(reason: str) -> None:
        """The place under the caps, and the grant; where the platform has none, its word counts."""
        async with ctx.projector.batch() as batch:
            await ctx.gate.release(intent.key, [wanted.member], batch=batch)
            if reason == _NO_GRANT and decision.identity is not None:
                await grants.refused(batch.connection, decision.account, decision.identity, wanted.template, ctx.now)

    async with sending(ctx, decision, told, give_back):
        adapter = ctx.tools.get(OfficialAccountAdapter, decision.account)
        await adapter.send_subscribe(message)
    ctx.facts.append(message_fact(ctx, decision, "message.accepted", **told))
    return Sent(decision.account)


SEND: Final = Action("subscribeMessageSend", send, _plan)
