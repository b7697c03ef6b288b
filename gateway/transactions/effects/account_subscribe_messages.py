"""Subscribe messages (订阅通知) of an official account: one for each time that the member accepted the question."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.official_account import OfficialAccountAdapter, SubscribeMessage
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects import subscribe_messages
from gateway.transactions.effects.messages import openid_of
from gateway.transactions.effects.subscribe_messages import TEMPLATE_LENGTH, Sent, about, spent
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: The platform's reason for a message that no accepted question is left for, by its own count.
_NO_GRANT: Final = "user_refused"


class Wanted(subscribe_messages.Wanted, frozen=True):
    """``appid`` empty: the first account of the settings. A tap leads to ``page``, a web page, or to a mini-program."""

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
    """Through the gate, then to the platform."""
    wanted, asked = intent.wanted, about(intent.wanted, intent.key, "official_account")
    [decision] = await ctx.gate.decide(asked, [wanted.member])
    async with spent(ctx, decision, wanted, asked, no_grant=_NO_GRANT):
        message = SubscribeMessage(
            await openid_of(ctx, decision),
            wanted.template,
            wanted.data,
            wanted.page,
            wanted.mini_program_appid,
            wanted.mini_program_path,
        )
        await ctx.tools.get(OfficialAccountAdapter, decision.account).send_subscribe(message)
    return Sent(decision.account)


SEND: Final = Action("subscribeMessageSend", send, _plan)
