"""What a caller can do wrong, each with a code from docs/errors.md."""

from __future__ import annotations


class UserError(Exception):
    """A request that cannot be served as it is. The message says what, where, the limit and what to do."""

    code = "BAD_USER_INPUT"


class IdInvalid(UserError):
    """A text that is no id of this gateway."""

    code = "ID_INVALID"


class IdForeign(UserError):
    """An id of another type than the field takes."""

    code = "ID_FOREIGN"


class CursorInvalid(UserError):
    """A cursor that this gateway did not make for this list and these arguments."""

    code = "CURSOR_INVALID"


class CursorExpired(UserError):
    """A live list has become shorter than the place its cursor names."""

    code = "CURSOR_EXPIRED"


class PageTooLarge(UserError):
    """More items asked for than a page may have."""

    code = "PAGE_TOO_LARGE"
