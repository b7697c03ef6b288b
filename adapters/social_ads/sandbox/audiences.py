"""custom_audiences and custom_audience_files: zips of ids, counted line by line a minute later."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.social_ads.sandbox.bodies import Body, form
from adapters.social_ads.sandbox.envelope import (
    MISSING,
    NOT_IN_RANGE,
    NOT_PERMITTED,
    WRONG_TYPE,
    Parameters,
    Refusal,
    only,
    page_info,
)
from sandbox.clock import BEIJING
from sandbox.platform import Kit
from sandbox.world import Person

ARCHIVE_BYTES: Final = 100 * 1024 * 1024
PROCESSING: Final = timedelta(seconds=20)
DONE: Final = timedelta(seconds=60)
_MD5: Final = re.compile("[0-9a-f]{32}")
_SHA256: Final = re.compile("[0-9a-f]{64}")
_FORMS: Final = {
    "HASH_MOBILE_PHONE": _MD5,
    "SHA256_MOBILE_PHONE": _SHA256,
    "WX_OPENID": re.compile("[0-9A-Za-z_-]{20,64}"),
    "WX_UNIONID": re.compile("[0-9A-Za-z_-]{20,64}"),
    "WECHAT_OPENID": re.compile("[0-9A-Za-z_-]{20,64}"),
    "HASH_IMEI": _MD5,
    "HASH_IDFA": _MD5,
    "HASH_OAID": _MD5,
    "MD5_SHA256_IMEI": _SHA256,
    "MD5_SHA256_IDFA": _SHA256,
    "MD5_SHA256_OAID": _SHA256,
    "IMEI": re.compile("[0-9a-f]{14,16}"),
    "IDFA": re.compile("[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"),
    "OAID": re.compile("[0-9A-Za-z-]{16,64}"),
}
_TYPES: Final = {"CUSTOMER_FILE", "LOOKALIKE", "USER_ACTION", "KEYWORD", "AD", "COMBINE", "LABEL"}


@dataclass(slots=True)
class File:
    """An uploaded file; ``lines`` are the valid ones."""

    file_id: int
    audience_id: int
    name: str
    id_type: str
    operation: str
    open_app_id: str
    size: int
    line_count: int
    lines: frozenset[str]
    at: datetime


@dataclass(slots=True)
class Audience:
    """An audience of one account."""

    audience_id: int
    name: str
    kind: str
    outer_id: str
    description: str
    at: datetime
    files: list[File] = field(default_factory=list)


class Audiences:
    """The audiences of one account; the platform's users are the people of the world."""

    def __init__(self, kit: Kit, account_id: int, people: Sequence[Person]) -> None:
        self._kit = kit
        self._account_id = account_id
        self._people = people
        self.audiences: dict[int, Audience] = {}
        self._ids = 5000
        self._file_ids = 90000

    def add(self, raw: bytes) -> Mapping[str, Any]:
        """POST custom_audiences/add."""
        body = Body(raw, self._account_id)
        kind = body.text("type", 32)
        if kind not in _TYPES:
            raise Refusal(NOT_PERMITTED, "The parameter type is not permitted here.")
        if (kind == "CUSTOMER_FILE") == ("audience_spec" in body.values):
            raise Refusal(NOT_PERMITTED, "The parameter audience_spec does not fit the type.")
        self._ids += 1
        self.audiences[self._ids] = Audience(
            self._ids,
            body.text("name", 96),
            kind,
            body.text("outer_audience_id", 64, needed=False),
            body.text("description", 300, needed=False),
            self._kit.clock.now(),
        )
        self._kit.effect("social_ads", "audience", str(self._ids))
        return {"audience_id": self._ids}

    def get(self, parameters: Parameters) -> Mapping[str, Any]:
        """GET custom_audiences/get."""
        wanted = parameters.integer("audience_id", 0)
        rows = [self._row(one) for one in self.audiences.values() if wanted in {0, one.audience_id}]
        page, size = parameters.page(100)
        fields = parameters.array("fields", ("audience_id", "name"))
        shown = rows[(page - 1) * size : page * size]
        return {"list": [only(row, fields) for row in shown], "page_info": page_info(page, size, len(rows))}

    def update(self, raw: bytes) -> Mapping[str, Any]:
        """POST custom_audiences/update."""
        body = Body(raw, self._account_id)
        audience = self._one(body.integer("audience_id"))
        before = (audience.name, audience.description)
        audience.name = body.text("name", 96, needed=False) or audience.name
        audience.description = body.text("description", 300, needed=False) or audience.description
        if (audience.name, audience.description) != before:
            self._kit.effect("social_ads", "audience_update", str(audience.audience_id))
        return {}

    def delete(self, raw: bytes) -> Mapping[str, Any]:
        """POST custom_audiences/delete."""
        audience = self._one(Body(raw, self._account_id).integer("audience_id"))
        del self.audiences[audience.audience_id]
        self._kit.effect("social_ads", "audience_delete", str(audience.audience_id))
        return {}

    def add_file(self, content_type: str, raw: bytes) -> Mapping[str, Any]:
        """POST custom_audience_files/add: multipart, a zip of txt or csv."""
        fields, name, archive = form(content_type, raw)
        if fields.get("account_id") != str(self._account_id):
            raise Refusal(11014, "The account is outside the authorisation.", "无权限")
        wanted = fields.get("audience_id", "")
        audience = self._one(int(wanted) if wanted.isdigit() else 0)
        if audience.kind != "CUSTOMER_FILE":
            raise Refusal(NOT_PERMITTED, "The audience is not of type CUSTOMER_FILE.")
        id_type, operation = fields.get("user_id_type", ""), fields.get("operation_type", "APPEND")
        if id_type not in _FORMS:
            raise Refusal(NOT_PERMITTED, "The parameter user_id_type is not permitted here.")
        if operation not in {"APPEND", "REDUCE"}:
            raise Refusal(NOT_PERMITTED, "The parameter operation_type is not permitted here.")
        if id_type in {"WX_OPENID", "WECHAT_OPENID"} and not fields.get("open_app_id"):
            raise Refusal(MISSING, "The parameter open_app_id is required.")
        lines = _lines(archive)
        self._file_ids += 1
        audience.files.append(
            File(
                self._file_ids,
                audience.audience_id,
                name,
                id_type,
                operation,
                fields.get("open_app_id", ""),
                len(archive),
                len(lines),
                frozenset(line for line in lines if _FORMS[id_type].fullmatch(line)),
                self._kit.clock.now(),
            )
        )
        self._kit.effect("social_ads", "audience_file", str(self._file_ids), user_id_type=id_type)
        return {"custom_audience_file_id": self._file_ids}

    def files(self, parameters: Parameters) -> Mapping[str, Any]:
        """GET custom_audience_files/get."""
        audience, file = parameters.integer("audience_id", 0), parameters.integer("custom_audience_file_id", 0)
        rows = [
            self._file_row(one)
            for of in self.audiences.values()
            for one in of.files
            if audience in {0, of.audience_id} and file in {0, one.file_id}
        ]
        page, size = parameters.page(100)
        shown = rows[(page - 1) * size : page * size]
        return {"list": shown, "page_info": page_info(page, size, len(rows))}

    def _one(self, audience_id: int) -> Audience:
        if audience_id not in self.audiences:
            raise Refusal(NOT_PERMITTED, "The parameter audience_id is not permitted here.", "人群不存在")
        return self.audiences[audience_id]

    def _row(self, one: Audience) -> dict[str, Any]:
        done = [file for file in one.files if self._status(file) == "SUCCESS"]
        members: set[str] = set()
        for file in done:
            found = self._users(file)
            members = members | found if file.operation == "APPEND" else members - found
        status = "PENDING" if not one.files else "SUCCESS" if len(done) == len(one.files) else "PROCESSING"
        changed = max((file.at + DONE for file in done), default=one.at)
        return {
            "audience_id": one.audience_id,
            "account_id": self._account_id,
            "name": one.name,
            "type": one.kind,
            "source": "ADVERTISER_OWN_DATA",
            "external_audience_id": one.outer_id,
            "description": one.description,
            "status": status,
            "online_status": "ONLINE" if done else "OFFLINE",
            "is_own": True,
            "error_code": 0,
            "user_count": len(members),
            "created_time": _wall(one.at),
            "last_modified_time": _wall(changed),
        }

    def _file_row(self, file: File) -> dict[str, Any]:
        done = self._status(file) == "SUCCESS"
        return {
            "audience_id": file.audience_id,
            "custom_audience_file_id": file.file_id,
            "name": file.name,
            "user_id_type": file.id_type,
            "operation_type": file.operation,
            "open_app_id": file.open_app_id,
            "process_status": self._status(file),
            "process_code": 0,
            "error_message": "",
            "line_count": file.line_count if done else 0,
            "valid_line_count": len(file.lines) if done else 0,
            "user_count": len(self._users(file)) if done else 0,
            "size": file.size,
            "created_time": _wall(file.at),
        }

    def _status(self, file: File) -> str:
        age = self._kit.clock.now() - file.at
        return "PENDING" if age < PROCESSING else "PROCESSING" if age < DONE else "SUCCESS"

    def _users(self, file: File) -> set[str]:
        """People whose own id gives a line of the file."""
        return {person.key for person in self._people if not file.lines.isdisjoint(_ids_of(person, file))}


def _ids_of(person: Person, file: File) -> set[str]:
    phone = person.phone.encode()
    match file.id_type:
        case "HASH_MOBILE_PHONE":
            return {hashlib.md5(phone).hexdigest()} if phone else set()
        case "SHA256_MOBILE_PHONE":
            return {hashlib.sha256(phone).hexdigest()} if phone else set()
        case "WX_UNIONID":
            return {person.unionid} - {""}
        case "WX_OPENID" | "WECHAT_OPENID":
            return {person.openids.get(file.open_app_id, "")} - {""}
        case _:
            return set()


def _lines(archive: bytes) -> list[str]:
    if not archive:
        raise Refusal(MISSING, "The parameter file is required.")
    if len(archive) > ARCHIVE_BYTES:
        raise Refusal(NOT_IN_RANGE, "The parameter file is over 100 MB.")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            names = opened.namelist()
            if not names or not all(name.endswith((".txt", ".csv")) for name in names):
                raise Refusal(WRONG_TYPE, "The parameter file must hold txt or csv files.")
            return [line for name in names for line in opened.read(name).decode().splitlines() if line]
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise Refusal(WRONG_TYPE, "The parameter file must be a zip.") from error


def _wall(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
