"""Mass messages: sent in an instant, and told by an event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from adapters.official_account.sandbox.account import Account
from adapters.official_account.sandbox.callbacks import Callbacks
from adapters.official_account.sandbox.checks import OK, Endpoints, own
from adapters.official_account.sandbox.errors import Refused
from adapters.official_account.sandbox.shelf import MassJob
from sandbox.platform import Kit

KEY_BYTES = 64
REMEMBERED = timedelta(hours=24)
_WORKER = "oMassOperator00000000000000A"
_KINDS = {"text": "text", "mpnews": "mpnews", "image": "images", "voice": "voice", "mpvideo": "mpvideo"}


class Mass:
    """群发."""

    def __init__(self, name: str, callbacks: Mapping[str, Callbacks], kit: Kit) -> None:
        self._name = name
        self._callbacks = callbacks
        self._kit = kit
        #: What MASSSENDJOBFINISH will say.
        self.status = "send success"
        self._count = 34181

    def endpoints(self) -> Endpoints:
        """See ``Api``."""
        path = "/cgi-bin/message/mass"
        return {
            f"{path}/sendall": ("POST", self._sendall),
            f"{path}/send": ("POST", self._send),
            f"{path}/preview": ("POST", self._preview),
            f"{path}/get": ("POST", self._get),
            f"{path}/delete": ("POST", self._delete),
            f"{path}/speed/get": ("POST", self._speed_get),
            f"{path}/speed/set": ("POST", self._speed_set),
        }

    def _sendall(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        audience = given.get("filter")
        if not isinstance(audience, dict) or not isinstance(audience.get("is_to_all"), bool):
            raise Refused(40035)
        if audience["is_to_all"]:
            return self._job(account, given, account.subscribed(), everybody=True)
        tag = audience.get("tag_id")
        if tag not in account.tags:
            raise Refused(45159)
        openids = [f.openid for f in account.followers.values() if f.subscribed and tag in f.tags]
        return self._job(account, given, openids)

    def _send(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openids = given.get("touser")
        if not isinstance(openids, list) or not 2 <= len(openids) <= 10_000:
            raise Refused(40032)
        return self._job(account, given, [own(account, openid) for openid in openids])

    def _job(
        self, account: Account, given: Mapping[str, Any], openids: list[str], *, everybody: bool = False
    ) -> Mapping[str, Any]:
        key, now = str(given.get("clientmsgid") or ""), self._kit.clock.now()
        if len(key.encode()) > KEY_BYTES:
            raise Refused(45067)
        self._check(account, given)
        shelf = account.shelf
        before = shelf.jobs.get(shelf.job_keys.get(key, 0)) if key else None
        if before is not None and now - before.at < REMEMBERED:
            raise Refused(45065, **_numbers(before))
        if everybody:
            if account.sent_to_all is not None and now - account.sent_to_all < timedelta(days=1):
                raise Refused(45028)
            account.sent_to_all = now
        self._count += 1
        good = self.status == "send success"
        job = MassJob(
            self._count,
            206227730 + self._count if given["msgtype"] == "mpnews" else 0,
            now,
            "SEND_SUCCESS" if good else "SEND_FAIL",
        )
        shelf.jobs[job.msg_id] = job
        shelf.job_keys[key] = job.msg_id
        reached = [o for o in openids if o in account.subscribed() and o not in shelf.blacklist]
        appid = account.settings.appid
        self._kit.effect(self._name, "mass_sent", f"{appid}/{job.msg_id}", to=reached)
        self._callbacks[appid].event(
            _WORKER,
            "MASSSENDJOBFINISH",
            MsgID=job.msg_id,
            Status=self.status,
            TotalCount=len(openids),
            FilterCount=len(reached),
            SentCount=len(reached) if good else 0,
            ErrorCount=0 if good else len(reached),
        )
        return {"errcode": 0, "errmsg": "send job submission success", **_numbers(job)}

    def _check(self, account: Account, given: Mapping[str, Any]) -> None:
        kind = given.get("msgtype")
        part = given.get(_KINDS.get(str(kind), ""))
        if kind not in _KINDS:
            raise Refused(40008)
        if not isinstance(part, dict):
            raise Refused(40035)
        if kind == "text":
            if not part.get("content"):
                raise Refused(44004)
            return
        numbers = part.get("media_ids") if kind == "image" else [part.get("media_id")]
        if not numbers or any(not account.has_media(str(number), self._kit.clock.now()) for number in numbers):
            raise Refused(40007)

    def _preview(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        openid = own(account, given.get("touser"))
        self._check(account, given)
        self._kit.effect(self._name, "mass_previewed", f"{account.settings.appid}/{openid}")
        return {"errcode": 0, "errmsg": "preview success"}

    def _get(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        job = self._known(account, given)
        return {"msg_id": job.msg_id, "msg_status": job.status}

    def _delete(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        job = self._known(account, given)
        if job.status != "DELETE":
            job.status = "DELETE"
            self._kit.effect(self._name, "mass_deleted", f"{account.settings.appid}/{job.msg_id}")
        return OK

    def _known(self, account: Account, given: Mapping[str, Any]) -> MassJob:
        number = str(given.get("msg_id"))
        job = account.shelf.jobs.get(int(number)) if number.isdecimal() else None
        if job is None:
            raise Refused(40035)
        return job

    def _speed_get(self, account: Account, _given: Any) -> Mapping[str, Any]:
        return {"speed": account.shelf.speed, "realspeed": 15}

    def _speed_set(self, account: Account, given: Mapping[str, Any]) -> Mapping[str, Any]:
        speed = given.get("speed")
        if speed is None:
            raise Refused(45084)
        if not isinstance(speed, int) or not 0 <= speed <= 4:
            raise Refused(45083)
        if account.shelf.speed != speed:
            account.shelf.speed = speed
            self._kit.effect(self._name, "mass_speed_set", account.settings.appid)
        return OK


def _numbers(job: MassJob) -> dict[str, Any]:
    return {"msg_id": job.msg_id, **({"msg_data_id": job.data_id} if job.data_id else {})}
