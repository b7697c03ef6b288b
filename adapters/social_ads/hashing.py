"""Ids of people as an audience's file wants them: normalised, then hashed without salt, hex in lower case.

Vendor page "自定义人群数据文件" (docs/apilist/audiences/custom_audience_file). A hash of a wrongly normalised id
is a well-formed hash of nobody: the platform takes the line and finds no user.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from adapters.base.errors import Invalid
from adapters.social_ads.errors import NAME

#: Bytes of a zipped file.
AUDIENCE_FILE_BYTES: Final = 100_000_000
#: Ids that belong to one app, whose appid must be told (open_app_id).
APP_ID_TYPES: Final = frozenset({"WX_OPENID", "WECHAT_OPENID"})

_PHONE: Final = re.compile(r"(?:\+?86)?(1[0-9]{10})")
_IMEI: Final = re.compile(r"[0-9a-f]{14,16}")
_UUID: Final = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-]{1,128}")


def _phone(text: str) -> str | None:
    """Bare eleven digits: no country code, no spaces, no hyphens."""
    found = _PHONE.fullmatch(re.sub(r"[\s-]", "", text))
    return found[1] if found else None


def _imei(text: str) -> str | None:
    lower = text.strip().lower()
    return lower if _IMEI.fullmatch(lower) else None


def _idfa(text: str) -> str | None:
    upper = text.strip().upper()
    return upper if _UUID.fullmatch(upper) else None


def _plain(text: str) -> str | None:
    """As it is."""
    return text if _PLAIN.fullmatch(text) else None


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _md5_sha256(text: str) -> str:
    """SHA-256 of the MD5's lower-case hex text."""
    return _sha256(_md5(text))


#: user_id_type → how the id is normalised, and hashed. SALTED_HASH_* and CAID are not here: how they are made is
#: not documented, and plain device ids are not, because each has a hashed type.
ID_TYPES: Final[Mapping[str, tuple[Callable[[str], str | None], Callable[[str], str]]]] = {
    "HASH_MOBILE_PHONE": (_phone, _md5),
    "SHA256_MOBILE_PHONE": (_phone, _sha256),
    "WX_OPENID": (_plain, str),
    "WX_UNIONID": (_plain, str),
    "WECHAT_OPENID": (_plain, str),
    "HASH_IMEI": (_imei, _md5),
    "HASH_IDFA": (_idfa, _md5),
    "HASH_OAID": (_plain, _md5),
    "MD5_SHA256_IMEI": (_imei, _md5_sha256),
    "MD5_SHA256_IDFA": (_idfa, _md5_sha256),
    "MD5_SHA256_OAID": (_plain, _md5_sha256),
}


def hashed_id(id_type: str, text: str) -> str | None:
    """The line of a file for one id; None for a text that is no id of this type. Raises Invalid ``id_type``."""
    if id_type not in ID_TYPES:
        raise Invalid(
            NAME,
            "id_type",
            f"id_type must be one of {', '.join(sorted(ID_TYPES))}.",
            endpoint="custom_audience_files_add",
        )
    normalise, hash_ = ID_TYPES[id_type]
    plain = normalise(text)
    return None if plain is None else hash_(plain)


def packed_ids(id_type: str, ids: Sequence[str]) -> tuple[bytes, int]:
    """A zip of one text file, a hashed id a line, each once in the given order; and how many ids were none.

    Raises Invalid: ``id_type``, ``no_ids`` when none is usable, ``file_size`` over 100 MB.
    """
    found = [hashed_id(id_type, text) for text in ids]
    lines = list(dict.fromkeys(line for line in found if line is not None))
    if not lines:
        raise Invalid(NAME, "no_ids", "None of the ids has the form of its type.", endpoint="custom_audience_files_add")
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w", zipfile.ZIP_DEFLATED) as archive:
        # A fixed date: the same ids make the same bytes.
        archive.writestr(zipfile.ZipInfo("ids.txt"), "\n".join(lines) + "\n", zipfile.ZIP_DEFLATED)
    if store.tell() > AUDIENCE_FILE_BYTES:
        message = "The ids are over 100 MB when zipped; upload them in several files."
        raise Invalid(NAME, "file_size", message, endpoint="custom_audience_files_add")
    return store.getvalue(), sum(line is None for line in found)
