"""腾讯广告 (Tencent Ads) Marketing API v3.0: ads, reports, leads, conversion feedback, click tracking."""

from typing import Final

from adapters.base.spec import ToolSpec
from adapters.social_ads.adapter import (
    LEADS_PER_PAGE,
    REPORTS_PER_PAGE,
    SocialAdsAdapter,
    open_account,
)
from adapters.social_ads.ads import ADGROUPS_PER_PAGE, BUDGET, CHANGES_PER_CALL
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.conversions import CONVERSION_BODY_BYTES, CONVERSIONS_PER_CALL
from adapters.social_ads.errors import FAULTS, NAME
from adapters.social_ads.events import EVENT_KINDS
from adapters.social_ads.hashing import ID_TYPES, hashed_id
from adapters.social_ads.limits import LIMITS
from adapters.social_ads.paging import REPORT_DAYS_PER_CALL
from adapters.social_ads.records import (
    ActionSet,
    AdChanged,
    AdClick,
    AdDraft,
    AdEdit,
    AdGroup,
    Advertiser,
    Audience,
    AudienceFile,
    Consent,
    Conversion,
    ConversionAccepted,
    Creative,
    DailyReport,
    Fund,
    HourlyReport,
    Lead,
    LeadFeedback,
    RealtimeCost,
)

TOOL: Final[ToolSpec[SocialAdsConfig, SocialAdsAdapter]] = ToolSpec(
    name=NAME,
    title="腾讯广告",
    config=SocialAdsConfig,
    adapter=SocialAdsAdapter,
    open=open_account,
    faults=FAULTS,
    limits=LIMITS,
    events=EVENT_KINDS,
    exempt={
        "batches": "The platform reads by page and by day, never by a list of ids.",
    },
)

__all__ = [
    "ADGROUPS_PER_PAGE",
    "BUDGET",
    "CHANGES_PER_CALL",
    "CONVERSIONS_PER_CALL",
    "CONVERSION_BODY_BYTES",
    "ID_TYPES",
    "LEADS_PER_PAGE",
    "REPORTS_PER_PAGE",
    "REPORT_DAYS_PER_CALL",
    "TOOL",
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
    "SocialAdsAdapter",
    "SocialAdsConfig",
    "hashed_id",
]
