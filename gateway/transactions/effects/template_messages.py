"""Template messages (模板消息) of an official account to one member."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec

from adapters.official_account import OfficialAccountAdapter, TemplateMessage
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.messages import message_fact, must_be_allowed, openid_of, sending
from gateway.transactions.steps import Delivery, Kind, StepContext, step

#: The platform knows a repeated ``client_msg_id`` for about ten minutes; we stop a little earlier.
WINDOW: Final = timedelta(minutes=9)


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for. ``appid`` empty: by whichever account the member follows."""

    member: str
    template: str
    data: Mapping[str, str]
    purpose: str
    appid: str = ""
    url: str = ""
    mini_program_appid: str = ""
    mini_program_path: str = ""


class Send(msgspec.Struct, frozen=True):
    """The message, and the name under which the gate knows it."""

    wanted: Wanted
    key: str


class Sent(msgspec.Struct, frozen=True):
    """Accepted by the platform, not delivered: that is told later."""

    account: str
    message_id: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if asked.appid:
        planning.tools.get(OfficialAccountAdapter, asked.appid)
    return Effect(Send(asked, f"templateMessageSend:{planning.key}"), asked.member, {"member": asked.member})


@step(
    name="template_message.send",
    tool="official_account",
    kind=Kind.RETRIABLE,
    delivery=Delivery.KEYED,
    window=WINDOW,
    personal=True,
)
async def send(ctx: StepContext, intent: Send) -> Sent:
    """Through the gate, then to the platform; what was provably not sent gives its place back."""
    wanted = intent.wanted
    about = Asked(
        purpose=Purpose(wanted.purpose), channel=Channel.OFFICIAL_ACCOUNT, key=intent.key, account=wanted.appid
    )
    [decision] = await ctx.gate.decide(about, [wanted.member])
    must_be_allowed(decision)
    openid = await openid_of(ctx, decision)
    message = TemplateMessage(
        openid,
        wanted.template,
        wanted.data,
        intent.key,
        wanted.url,
        wanted.mini_program_appid,
        wanted.mini_program_path,
    )
    told = {"tool": "official_account", "key": intent.key, "template": wanted.template, "purpose": wanted.purpose}

    async def give_back(_: str) -> None:
        await ctx.gate.release(intent.key, [wanted.member])

    async with sending(ctx, decision, told, give_back):
        adapter = ctx.tools.get(OfficialAccountAdapter, decision.account)
        sent = await adapter.send_template(message)
    # Whether it arrived comes by its event, of the same number.
    ctx.facts.append(message_fact(ctx, decision, "message.accepted", **told, message=sent.message_id))
    return Sent(decision.account, sent.message_id)


SEND: Final = Action("templateMessageSend", send, _plan)
