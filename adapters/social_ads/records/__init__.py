"""What leaves this folder. Money is integer fen, instants are aware and UTC, days are Beijing days."""

from adapters.social_ads.records.ads import (
    AdChanged,
    AdDraft,
    AdEdit,
    AdGroup,
    Advertiser,
    Creative,
    DailyReport,
    Fund,
    HourlyReport,
    RealtimeCost,
)
from adapters.social_ads.records.audiences import Audience, AudienceFile, Consent
from adapters.social_ads.records.people import ActionSet, AdClick, Conversion, ConversionAccepted, Lead, LeadFeedback

__all__ = [
    "ActionSet",
    "AdChanged",
    "AdClick",
    "AdDraft",
    "AdEdit",
    "AdGroup",
    "Advertiser",
    "Audience",
    "AudienceFile",
    "Consent",
    "Conversion",
    "ConversionAccepted",
    "Creative",
    "DailyReport",
    "Fund",
    "HourlyReport",
    "Lead",
    "LeadFeedback",
    "RealtimeCost",
]
