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


class SessionRequired(UserError):
    """What only a shopper may do, asked for by somebody else."""

    code = "SESSION_REQUIRED"


class CodeRefused(UserError):
    """A member code that leads to nobody: misread, not ours, or too old; its code says which."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
