"""Mass messages (群发)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.official_account.models import wire as models
from adapters.wechat.api import TokenApi
from adapters.wechat.envelope import Envelope

_A_DAY: Final = timedelta(hours=24)
MASS_SENDALL: Final = idempotent("mass_sendall", "clientmsgid", lifetime=_A_DAY, family="mass")
MASS_SEND: Final = idempotent("mass_send", "clientmsgid", lifetime=_A_DAY, family="mass")
MASS_PREVIEW: Final = once("mass_preview", family="mass")
MASS_GET: Final = read("mass_get", family="mass")
MASS_DELETE: Final = idempotent("mass_delete", "msg_id", family="mass")
MASS_SPEED_GET: Final = read("mass_speed_get", family="mass")
MASS_SPEED_SET: Final = idempotent("mass_speed_set", "speed", family="mass")
#: The platform knows the ``clientmsgid``, and answers the number of the job that it made of it.
_SENT_BEFORE: Final = (45065,)


class MassClient:
    """The calls that send to many followers at once."""

    def __init__(self, api: TokenApi) -> None:
        self._api = api

    async def mass_sendall(self, job: Mapping[str, object]) -> models.MassJob:
        """POST /cgi-bin/message/mass/sendall: to a tag, or to everybody."""
        path = "/cgi-bin/message/mass/sendall"
        return await self._api.post(MASS_SENDALL, path, models.MassJob, job, done=_SENT_BEFORE)

    async def mass_send(self, job: Mapping[str, object]) -> models.MassJob:
        """POST /cgi-bin/message/mass/send: to 2 to 10,000 openids."""
        path = "/cgi-bin/message/mass/send"
        return await self._api.post(MASS_SEND, path, models.MassJob, job, done=_SENT_BEFORE)

    async def mass_preview(self, message: Mapping[str, object]) -> None:
        """POST /cgi-bin/message/mass/preview: to one who works at the brand."""
        await self._api.post(MASS_PREVIEW, "/cgi-bin/message/mass/preview", Envelope, message)

    async def mass_get(self, msg_id: str) -> models.MassState:
        """POST /cgi-bin/message/mass/get."""
        return await self._api.post(MASS_GET, "/cgi-bin/message/mass/get", models.MassState, {"msg_id": msg_id})

    async def mass_delete(self, msg_id: int, article: int) -> None:
        """POST /cgi-bin/message/mass/delete; ``article`` 0 is all of them."""
        body = {"msg_id": msg_id, "article_idx": article}
        await self._api.post(MASS_DELETE, "/cgi-bin/message/mass/delete", Envelope, body)

    async def mass_speed_get(self) -> models.MassSpeed:
        """POST /cgi-bin/message/mass/speed/get."""
        return await self._api.post(MASS_SPEED_GET, "/cgi-bin/message/mass/speed/get", models.MassSpeed, {})

    async def mass_speed_set(self, speed: int) -> None:
        """POST /cgi-bin/message/mass/speed/set."""
        await self._api.post(MASS_SPEED_SET, "/cgi-bin/message/mass/speed/set", Envelope, {"speed": speed})
