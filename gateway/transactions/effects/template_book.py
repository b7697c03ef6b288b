"""What the books of templates have in common: a template is taken from the platform's library, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.base.errors import OutcomeUnknown
from gateway.transactions.log import siblings
from gateway.transactions.states import StepState
from gateway.transactions.steps import StepContext, StepRefused

#: Characters of a template's own id, and of its number or title's number in the library.
ID_LENGTH: Final = 64
NUMBER_LENGTH: Final = 32
#: States of a step that may have taken a template, and of which nobody knows which.
_MAY_HAVE_TAKEN: Final = frozenset({StepState.RUNNING, StepState.UNKNOWN})


class Kept(msgspec.Struct, frozen=True):
    """The account, and the template's own id (模板ID): as it is, or as it was when it went."""

    account: str
    template: str


class WantedGone(msgspec.Struct, frozen=True):
    """A template to give up. ``account`` None: not said."""

    template: str
    account: str | None


class AccountOf(msgspec.Struct, frozen=True):
    """What is read of another transaction's intent."""

    account: str


def number(text: str) -> None:
    """Raises StepRefused for what is no number of the library."""
    if not 1 <= len(text) <= NUMBER_LENGTH:
        raise StepRefused("BAD_USER_INPUT", f"number has 1 to {NUMBER_LENGTH} characters: the library's own.")


def known(template: str, listed: Sequence[str]) -> None:
    """Raises StepRefused for a template that the account does not have."""
    if template not in listed:
        raise StepRefused("TEMPLATE_UNKNOWN", "The account has no such template; its list of templates has all.")


async def came(
    ctx: StepContext, step_name: str, tool: str, account: str, listed: Sequence[str], before: Sequence[str]
) -> str | None:
    """The template that came since ``before`` and is none that another transaction took; None where none did.

    The platform lists no numbers of the library, only what there is. Raises OutcomeUnknown where one came that may be
    another transaction's, of which nobody knows yet what became.
    """
    there = [each for each in listed if each not in before]
    if not there:
        return None
    others = await siblings(ctx.projector.database, ctx.saga, step_name)
    taken = {each.outcome(Kept).template for each in others if each.state is StepState.DONE}
    there = [each for each in there if each not in taken]
    if not there:
        return None
    doubtful = any(each.state in _MAY_HAVE_TAKEN and each.intent(AccountOf).account == account for each in others)
    if doubtful or len(there) > 1:
        raise OutcomeUnknown(tool, "not_told_apart", f"{len(there)} templates may be this one.")
    return there[0]
