"""Audiences (人群) and the consent that the token pair comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.base.secrets import Secret


@dataclass(frozen=True, slots=True)
class Audience:
    """An audience. ``status``: PENDING, PROCESSING, SUCCESS, ERROR, FROZEN, THAWING or LOCKING.

    ``users`` is the platform's own count of people it found, and lags behind the files. ``outer_id`` is what its
    creator called it, empty where nothing was given.
    """

    audience_id: int
    outer_id: str
    name: str
    kind: str
    status: str
    online: bool
    users: int
    error_code: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AudienceFile:
    """A file of ids and how far the platform is with it. ``status``: PENDING, PROCESSING, SUCCESS or ERROR.

    ``name`` is that of the uploaded file. ``valid_lines`` have the form of the id type, ``users`` were found.
    """

    file_id: int
    audience_id: int
    name: str
    id_type: str
    removes: bool
    status: str
    error_code: int
    lines: int
    valid_lines: int
    users: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """A new token pair out of the consent page, for the account's settings; the pair before it is dead.

    Its texts are shown by ``Secret.reveal`` alone.
    """

    account_id: int | None
    scopes: tuple[str, ...]
    access_token: Secret
    refresh_token: Secret
    access_ends: datetime
    refresh_ends: datetime
