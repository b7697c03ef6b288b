"""leads_status/update: what the advertiser says became of its leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.social_ads.sandbox.bodies import Body, whole
from adapters.social_ads.sandbox.envelope import MISSING, NOT_PERMITTED, Refusal
from sandbox.platform import Kit
from sandbox.world import Lead

_MATCHES: Final = {"NONE", "LEADSID", "OUTERLEADSID", "CONTACT", "CLICKID"}


def update(kit: Kit, account_id: int, leads: Sequence[Lead], told: dict[str, object], raw: bytes) -> Mapping[str, Any]:
    """All statuses or none, into ``told`` by lead. How many a call may carry is not documented; 100 as elsewhere."""
    body = Body(raw, account_id)
    if body.text("match_type", 16) not in _MATCHES:
        raise Refusal(NOT_PERMITTED, "The parameter match_type is not permitted here.")
    items = body.items("leads_conversion_status_list", 100)
    known = {lead.leads_id for lead in leads}
    for item in items:
        if not item.get("leads_convert_type") and not item.get("outer_leads_convert_type"):
            raise Refusal(MISSING, "The parameter leads_convert_type is required.")
        if body.values["match_type"] == "LEADSID" and whole(item.get("leads_id"), "leads_id") not in known:
            raise Refusal(NOT_PERMITTED, "The parameter leads_id is not permitted here.", "线索不存在")
    for item in items:
        key, status = str(item.get("leads_id")), item.get("leads_convert_type")
        if told.get(key) != status:
            told[key] = status
            kit.effect("social_ads", "lead_status", key, status=status)
    return {}
