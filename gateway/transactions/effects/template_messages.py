"""Template messages (模板消息) of an official account to one member."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
from sqlalchemy import select

from adapters.base.errors import OutcomeUnknown, UpstreamError
from adapters.official_account import OfficialAccountAdapter, TemplateMessage
from gateway.database.facts import Fact
from gateway.database.tables.members import identity
from gateway.members.consent import Purpose
from gateway.members.gate import Asked, Decision
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

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
    if not decision.allowed:
        raise StepRefused(
            "NOT_REACHABLE",
            f"The member cannot be sent this now: {decision.reason}; Member.reach says which ways are open and when.",
            reason=str(decision.reason),
        )
    openid = await _openid(ctx, decision.identity)
    message = TemplateMessage(
        openid,
        wanted.template,
        wanted.data,
        intent.key,
        wanted.url,
        wanted.mini_program_appid,
        wanted.mini_program_path,
    )
    adapter = ctx.tools.get(OfficialAccountAdapter, decision.account)
    try:
        sent = await adapter.send_template(message)
    except OutcomeUnknown:
        raise
    except UpstreamError as error:
        await ctx.gate.release(intent.key, [wanted.member])
        ctx.facts.append(_fact(ctx, intent, decision, "message.failed", reason=error.reason))
        raise
    ctx.facts.append(_fact(ctx, intent, decision, "message.accepted", message=sent.message_id))
    return Sent(decision.account, sent.message_id)


def _fact(
    ctx: StepContext, intent: Send, decision: Decision, kind: str, *, reason: str | None = None, message: str = ""
) -> Fact:
    """What the platform said to it. Whether it arrived comes by its event, of the same ``message``."""
    return Fact(
        kind=kind,
        occurred_at=ctx.now,
        source="own",
        source_key=intent.key,
        account=decision.account,
        tool="official_account",
        member=decision.member,
        identity=decision.identity,
        reason=reason,
        payload={"template": intent.wanted.template, "purpose": intent.wanted.purpose}
        | ({"message": message} if message else {}),
    )


async def _openid(ctx: StepContext, identity_id: str | None) -> str:
    row = await ctx.projector.database.one(select(identity.c.value).where(identity.c.id == identity_id))
    if row is None or not row.value:
        raise StepRefused("NOT_REACHABLE", "The member was erased meanwhile.", reason="UNKNOWN_MEMBER")
    return str(row.value)


SEND: Final = Action("templateMessageSend", send, _plan)
