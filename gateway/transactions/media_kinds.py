"""What platforms take as media of messages (素材): which types, and how large, by tool and kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from adapters import enterprise_chat, official_account
from adapters.enterprise_chat.records.messages import MediaKind

CHAT: Final = "enterprise_chat"
ACCOUNT: Final = "official_account"
#: Kind of a picture that is published: it has an address, and no media_id.
PUBLISHED: Final = "PUBLISHED"
#: 企业微信 takes more than five bytes; a smaller one is nothing at 公众号 either.
LEAST_BYTES: Final = 6
_JPEG: Final = {"image/jpeg": "jpg"}
_PICTURES: Final = {**_JPEG, "image/png": "png"}
_VOICES: Final = {"audio/amr": "amr"}
_FILMS: Final = {"video/mp4": "mp4"}
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS: Final = {
    "application/pdf": "pdf",
    "application/zip": "zip",
    "text/plain": "txt",
    "text/csv": "csv",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}.presentationml.presentation": "pptx",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What a platform takes: types with the ending of each, and bytes of one."""

    endings: Mapping[str, str]
    most_bytes: int


TAKEN: Final[Mapping[tuple[str, str], Taken]] = {
    (CHAT, "IMAGE"): Taken(_PICTURES, enterprise_chat.MEDIA_LIMIT_BYTES[MediaKind.IMAGE]),
    (CHAT, "VOICE"): Taken(_VOICES, enterprise_chat.MEDIA_LIMIT_BYTES[MediaKind.VOICE]),
    (CHAT, "VIDEO"): Taken(_FILMS, enterprise_chat.MEDIA_LIMIT_BYTES[MediaKind.VIDEO]),
    (CHAT, "FILE"): Taken(_DOCUMENTS, enterprise_chat.MEDIA_LIMIT_BYTES[MediaKind.FILE]),
    (CHAT, PUBLISHED): Taken(_PICTURES, enterprise_chat.MEDIA_LIMIT_BYTES[MediaKind.IMAGE]),
    (ACCOUNT, "IMAGE"): Taken(_PICTURES, official_account.MEDIA_LIMIT_BYTES["image"]),
    (ACCOUNT, "VOICE"): Taken({**_VOICES, "audio/mpeg": "mp3"}, official_account.MEDIA_LIMIT_BYTES["voice"]),
    (ACCOUNT, "VIDEO"): Taken(_FILMS, official_account.MEDIA_LIMIT_BYTES["video"]),
    (ACCOUNT, "THUMB"): Taken(_JPEG, official_account.MEDIA_LIMIT_BYTES["thumb"]),
}
LIVES: Final[Mapping[str, timedelta]] = {
    CHAT: enterprise_chat.MEDIA_LIVES,
    ACCOUNT: official_account.MEDIA_LIVES,
}
#: Type → bytes that the most generous platform takes.
MOST_BYTES: Final[Mapping[str, int]] = {
    content_type: max(each.most_bytes for each in TAKEN.values() if content_type in each.endings)
    for taken in TAKEN.values()
    for content_type in taken.endings
}
