"""Customer-service messages (客服消息) of an official account, to a member who has spoken to it a while ago."""

from __future__ import annotations

from typing import Final

import msgspec

from adapters.official_account import (
    CustomerServiceMessage,
    Link,
    MiniProgramPage,
    OfficialAccountAdapter,
    Picture,
    Video,
    Voice,
)
from gateway.members.consent import Purpose
from gateway.members.gate import Asked
from gateway.members.reach import Channel
from gateway.transactions.actions import Action, Effect, Planning
from gateway.transactions.effects.messages import message_fact, must_be_allowed, openid_of, sending
from gateway.transactions.steps import Delivery, Kind, StepContext, StepRefused, step

#: Bytes of a text in UTF-8; the platform refuses longer ones.
TEXT_BYTES: Final = 2048


class WantedLink(msgspec.Struct, frozen=True):
    """A link with a title and a picture. ``url`` and ``picture`` are web addresses."""

    title: str
    url: str
    description: str = ""
    picture: str = ""


class WantedMedium(msgspec.Struct, frozen=True):
    """What was uploaded to the account: ``kind`` PICTURE, VOICE or VIDEO with its ``media_id``, or MINI_PROGRAM, a card
    that opens ``page`` of ``appid``. Of a film and a card ``thumb`` is the picture's media_id.
    """

    kind: str
    media_id: str = ""
    thumb: str = ""
    title: str = ""
    description: str = ""
    appid: str = ""
    page: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """What the client asked for: one of a text, a link and a medium. ``appid`` empty: by whichever account has a window
    open.
    """

    member: str
    purpose: str
    text: str | None = None
    link: WantedLink | None = None
    appid: str = ""
    medium: WantedMedium | None = None


class Send(msgspec.Struct, frozen=True):
    """The message, and the name under which the gate knows it."""

    wanted: Wanted
    key: str


class Sent(msgspec.Struct, frozen=True):
    """Taken by the platform, which gives it no number and tells nothing later."""

    account: str


async def _plan(planning: Planning, asked: Wanted) -> Effect:
    if sum(each is not None for each in (asked.text, asked.link, asked.medium)) != 1:
        raise StepRefused(
            "BAD_USER_INPUT",
            "Give one of text, link, picture, voice, video and miniProgram; a second thing to say is a second message.",
        )
    if asked.medium is not None and not asked.appid:
        raise StepRefused("BAD_USER_INPUT", "Give appid: only the account to which the file was uploaded can show it.")
    size = None if asked.text is None else len(asked.text.encode())
    if size is not None and not 1 <= size <= TEXT_BYTES:
        raise StepRefused(
            "BAD_USER_INPUT", f"text has {size} bytes in UTF-8: 1 to {TEXT_BYTES} are possible (a character has 3)."
        )
    if asked.link is not None:
        _check(asked.link)
    if asked.appid:
        planning.tools.get(OfficialAccountAdapter, asked.appid)
    return Effect(Send(asked, f"customerServiceMessageSend:{planning.key}"), asked.member, {"member": asked.member})


def _check(link: WantedLink) -> None:
    if not link.title:
        raise StepRefused("BAD_USER_INPUT", "link.title is empty; the platform shows it.")
    for name, address in (("url", link.url), ("picture", link.picture)):
        if (address or name == "url") and not address.startswith(("https://", "http://")):
            raise StepRefused("BAD_USER_INPUT", f"link.{name} must be a web address that begins with https://.")


# ONCE: the platform has no key for it and no question about it, so a repetition may be a second message. RETRIABLE,
# which among several mutations makes it the last: what was read cannot be taken back.
@step(
    name="customer_service_message.send",
    tool="official_account",
    kind=Kind.RETRIABLE,
    delivery=Delivery.ONCE,
    personal=True,
)
async def send(ctx: StepContext, intent: Send) -> Sent:
    """Through the gate, which knows the windows, then to the platform; what was provably not sent gives its place back.

    Of an unknown outcome the place stays taken, and nothing is told.
    """
    wanted = intent.wanted
    about = Asked(
        purpose=Purpose(wanted.purpose), channel=Channel.CUSTOMER_SERVICE, key=intent.key, account=wanted.appid
    )
    [decision] = await ctx.gate.decide(about, [wanted.member])
    must_be_allowed(decision)
    message = CustomerServiceMessage(await openid_of(ctx, decision), _content(wanted))
    told = {"tool": "official_account", "key": intent.key, "purpose": wanted.purpose}

    async def give_back(_: str) -> None:
        # Also where the platform counts what staff answered in its console, which we do not see.
        await ctx.gate.release(intent.key, [wanted.member])

    async with sending(ctx, decision, told, give_back):
        adapter = ctx.tools.get(OfficialAccountAdapter, decision.account)
        await adapter.send_customer_service(message)
    ctx.facts.append(message_fact(ctx, decision, "message.accepted", **told))
    return Sent(decision.account)


def _content(wanted: Wanted) -> str | Link | Picture | Voice | Video | MiniProgramPage:
    link = wanted.link
    if wanted.medium is not None:
        return _shown(wanted.medium)
    return (wanted.text or "") if link is None else Link(link.title, link.url, link.description, link.picture)


def _shown(medium: WantedMedium) -> Picture | Voice | Video | MiniProgramPage:
    match medium.kind:
        case "PICTURE":
            return Picture(medium.media_id)
        case "VOICE":
            return Voice(medium.media_id)
        case "VIDEO":
            return Video(medium.media_id, medium.thumb, medium.title, medium.description)
        case _:
            return MiniProgramPage(medium.title, medium.appid, medium.page, medium.thumb)


SEND: Final = Action("customerServiceMessageSend", send, _plan)
