"""Mass messages (群发): the platform sends them by and by, and tells the end by an event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.base.runtime import Runtime
from adapters.official_account.account import Account
from adapters.official_account.client import MassClient
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.models.wire import MassJob as WireJob
from adapters.official_account.records import Draft, MassContent, MassJob, MassStatus, Pictures, Video, Voice

#: Openids of one mass message.
OPENIDS_PER_MASS: Final = range(2, 10_001)
#: Bytes of a ``clientmsgid`` (not confirmed by the vendor).
CLIENT_KEY_BYTES: Final = 64
#: The slowest; 0 is the fastest.
SLOWEST: Final = 4
_STATUS: Final = {
    "SENDING": MassStatus.SENDING,
    "SEND_SUCCESS": MassStatus.SENT,
    "SEND_FAIL": MassStatus.FAILED,
    "DELETE": MassStatus.DELETED,
}


class Mass(Account):
    """See ``OfficialAccountAdapter``."""

    def __init__(self, config: OfficialAccountConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._mass = MassClient(self._api)

    async def mass_to_tag(self, tag: int | None, content: MassContent, key: str, *, reprint: bool = False) -> MassJob:
        """Send to all followers of a tag; to everybody where it is None, once a day at most.

        The same ``key`` within 24 hours sends once and answers the first job. With ``reprint`` articles go out too
        where the platform takes them for somebody else's. Taken is not sent: an administrator may have half an hour to
        confirm it, and ``MassDelivered`` tells the end. Raises QuotaExhausted ``send_quota``, NotFound
        ``tag_unknown``, Invalid ``media_unknown``, RateLimited ``key_too_soon``.
        """
        audience: Mapping[str, object] = {"is_to_all": tag is None, **({} if tag is None else {"tag_id": tag})}
        return _job(await self._mass.mass_sendall({"filter": audience, **self._message(content, key, reprint)}))

    async def mass_to_followers(
        self, openids: Sequence[str], content: MassContent, key: str, *, reprint: bool = False
    ) -> MassJob:
        """Send to 2 to 10,000 openids; service accounts (服务号) only. See ``mass_to_tag``."""
        if len(openids) not in OPENIDS_PER_MASS:
            raise self._invalid("list_size", f"There are {len(openids)} openids; the platform takes 2 to 10000.")
        return _job(await self._mass.mass_send({"touser": list(openids), **self._message(content, key, reprint)}))

    async def mass_preview(self, openid: str, content: MassContent) -> None:
        """Show one follower what a mass message will look like; 100 a day, and counted against nobody's month."""
        await self._mass.mass_preview({"touser": openid, **_content(content)})

    async def sending_status(self, message_id: str) -> MassStatus:
        """How a mass message is doing."""
        word = (await self._mass.mass_get(message_id)).msg_status
        return _STATUS.get(word.replace(" ", "_").upper(), MassStatus.OTHER)

    async def sending_take_back(self, message_id: str, article: int = 0) -> None:
        """Take back a mass message, or one of its articles, counted from 1; what arrived stays with its title."""
        if not (message_id.isascii() and message_id.isdecimal()):
            raise self._invalid("message_id", "The number of a mass message has digits only.")
        await self._mass.mass_delete(int(message_id), article)

    async def sending_speed(self) -> int:
        """How fast the platform sends: 0, the fastest, to 4."""
        return (await self._mass.mass_speed_get()).speed

    async def sending_speed_change(self, speed: int) -> None:
        """Set the speed, 0 to 4, so that a shop page behind a message is not overrun."""
        if not 0 <= speed <= SLOWEST:
            raise self._invalid("speed", f"The speed is {speed}; the platform has 0, the fastest, to {SLOWEST}.")
        await self._mass.mass_speed_set(speed)

    def _message(self, content: MassContent, key: str, reprint: bool) -> Mapping[str, object]:
        if not 1 <= len(key.encode()) <= CLIENT_KEY_BYTES:
            raise self._invalid("key_too_long", f"The key has {len(key.encode())} bytes; the platform takes 1 to 64.")
        return {**_content(content), "send_ignore_reprint": int(reprint), "clientmsgid": key}


def _content(content: MassContent) -> Mapping[str, Any]:
    match content:
        case str():
            return {"msgtype": "text", "text": {"content": content}}
        case Draft():
            return {"msgtype": "mpnews", "mpnews": {"media_id": content.media_id}}
        case Pictures():
            # The kind is in the singular, what stands under it in the plural.
            return {"msgtype": "image", "images": {"media_ids": list(content.media_ids), "recommend": content.line}}
        case Voice():
            return {"msgtype": "voice", "voice": {"media_id": content.media_id}}
        case Video():
            film = {"media_id": content.media_id, "title": content.title, "description": content.description}
            return {"msgtype": "mpvideo", "mpvideo": film}


def _job(wire: WireJob) -> MassJob:
    return MassJob(str(wire.msg_id), str(wire.msg_data_id or ""))
