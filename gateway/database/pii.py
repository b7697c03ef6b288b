"""Finds columns that look personal and are stored in the plain.

A column whose name matches must be Encrypted, EncryptedJson or KeyedHash, or say in its
``info={"not_personal": "why"}`` that its name misleads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlalchemy import Column, MetaData

from gateway.database.types import Encrypted, EncryptedJson, KeyedHash

_SAFE = (Encrypted, EncryptedJson, KeyedHash)

#: Parts of names, between underscores. ``userid`` is not here: a corporation's own name for its employee.
PERSONAL_NAMES = (
    r"phones?", r"mobiles?", r"tel", r"telephone", r"email", r"mail",
    r"address", r"addr", r"street", r"postcode", r"receiver(?!_(city|province|region))",
    r"consignee", r"recipient",
    r"(real|full|nick|first|last|given|family|sur)_?name",
    r"(person|contact|customer|member|payer|buyer|shopper|user)_?name",
    r"remarks?", r"id_?card", r"id_?number", r"passport", r"bank_card",
    r"birth_?(day|date)", r"avatar", r"gender",
    r"openid", r"unionid", r"external_?userid",
    r"ip_?address", r"device_?id", r"latitude", r"longitude", r"headers", r"body",
)  # fmt: skip
_PERSONAL = re.compile(rf"(^|_)({'|'.join(PERSONAL_NAMES)})(_|$)")
#: ``phone_source`` and ``email_verified_at`` tell about the value, not the value.
_ABOUT = re.compile(r"_(source|verified|at|kind|state|count)$")


def plain_personal_columns(metadata: MetaData) -> list[str]:
    """One sentence per column that must not stay as it is; empty when all is well."""
    return [
        f"{column.table.name}.{column.name} looks personal and is stored in the plain: make it Encrypted "
        'or KeyedHash, or say why it is not with info={"not_personal": "…"}'
        for column in _columns(metadata)
        if _looks_personal(column.name) and not isinstance(column.type, _SAFE) and not _exempt(column)
    ]


def _columns(metadata: MetaData) -> Iterator[Column[object]]:
    for table in metadata.sorted_tables:
        yield from table.columns


def _looks_personal(name: str) -> bool:
    return _PERSONAL.search(name) is not None and _ABOUT.search(name) is None


def _exempt(column: Column[object]) -> bool:
    reason = column.info.get("not_personal")
    return isinstance(reason, str) and bool(reason.strip())
