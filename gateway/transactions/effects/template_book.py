"""What the books of templates have in common: a template is taken from the platform's library, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.transactions.steps import StepRefused

#: Characters of a template's own id, and of its number or title's number in the library.
ID_LENGTH: Final = 64
NUMBER_LENGTH: Final = 32


class Kept(msgspec.Struct, frozen=True):
    """The account, and the template's own id (模板ID): as it is, or as it was when it went."""

    account: str
    template: str


class WantedGone(msgspec.Struct, frozen=True):
    """A template to give up. ``account`` None: not said."""

    template: str
    account: str | None


def number(text: str) -> None:
    """Raises StepRefused for what is no number of the library."""
    if not 1 <= len(text) <= NUMBER_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"number has 1 to {NUMBER_LENGTH} characters: the library's own.")


def known(template: str, listed: Sequence[str]) -> None:
    """Raises StepRefused for a template that the account does not have."""
    if template not in listed:
        raise StepRefused("TEMPLATE_UNKNOWN", "The account has no such template; its list of templates has all.")


def new(listed: Sequence[str], before: Sequence[str]) -> str | None:
    """The template that came since ``before``: the platform lists no numbers of the library, only what there is."""
    return next((each for each in reversed(listed) if each not in before), None)
