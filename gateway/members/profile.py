"""The profile: of all that sources say of a member, which value counts. Declared here and nowhere else.

Of a field's claims the one from the better source wins; of equally good ones what was said last. A verified phone
comes before any other. The winner is written into the member's row, sealed under the member's own key, with hashes to
search by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from gateway.database.keyring import Keyring, Sealed
from gateway.members.linking import Claim

#: field → sources, best first. A source is tool.endpoint or own.<mutation>; an entry ending in a dot is all that begin
#: so. What is not named comes last.
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("own.", "mini_program_store.vip_user", "import.", "enterprise_chat.external_contact"),
    "phone": ("own.memberPhoneBind", "mini_program_store.vip_user", "own.", "import.", "social_ads."),
    "gender": ("own.", "mini_program_store.vip_user", "import.", "enterprise_chat.external_contact"),
    "birthday": ("own.", "mini_program_store.vip_user", "import."),
    "city": ("own.", "import.", "mini_program_store."),
}
FIELDS: Final = tuple(SOURCES)


def winners(claims: Iterable[Claim]) -> dict[str, Claim]:
    """field → the claim that counts. The same claims in any order give the same winners."""
    found: dict[str, Claim] = {}
    for claim in claims:
        held = found.get(claim.field)
        if held is None or _place(claim) < _place(held):
            found[claim.field] = claim
    return found


def _place(claim: Claim) -> tuple[bool, int, float, str, str]:
    """Sorts the better claim first."""
    unproved = claim.field == "phone" and not claim.verified
    return (unproved, _rank(claim.field, claim.source), -claim.seen_at.timestamp(), claim.source, claim.identity)


def _rank(field: str, source: str) -> int:
    order = SOURCES[field]
    for rank, each in enumerate(order):
        if source == each or (each.endswith(".") and source.startswith(each)):
            return rank
    return len(order)


def columns(
    won: Mapping[str, Claim], keyring: Keyring, member: str, *, seal: Callable[[str], Sealed] | None = None
) -> dict[str, Any]:
    """The member row's columns of a whole profile; None where nobody says anything.

    ``seal`` is for a member whose data key is not stored yet.
    """
    values: dict[str, Any] = {}
    sealed = seal or (lambda text: keyring.seal(text, subject=member))
    for field in FIELDS:
        claim = won.get(field)
        values[field] = None if claim is None else sealed(claim.value)
        values[field + "_source"] = None if claim is None else claim.source
    name, phone = won.get("name"), won.get("phone")
    values["name_hash"] = None if name is None else keyring.hash(name.value, "name")
    for length, column in enumerate(("name_first_hash", "name_second_hash", "name_third_hash"), 1):
        known = name is not None and len(name.value) >= length
        values[column] = keyring.hash(name.value[:length], "name_prefix") if name is not None and known else None
    values["phone_hash"] = None if phone is None else keyring.hash(phone.value, "phone")
    values["phone_tail_hash"] = None if phone is None else keyring.hash(phone.value[-4:], "phone_tail")
    return values


def differs(row: Any, won: Mapping[str, Claim]) -> bool:
    """Whether a stored member row shows something else than the winners."""
    for field in FIELDS:
        claim = won.get(field)
        held = getattr(row, field), getattr(row, field + "_source")
        if held != ((None, None) if claim is None else (claim.value, claim.source)):
            return True
    return False
