"""腾讯广告 for one advertiser account: ads, daily reports, leads, conversion feedback, pushed clicks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from adapters.base.errors import Invalid, Rejected, UpstreamError
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.base.tokens import AccessTokens, with_token
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.social_ads import models, paging, wire
from adapters.social_ads.client import SocialAdsClient
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.conversions import packed, wire_action
from adapters.social_ads.errors import NAME
from adapters.social_ads.records import AdClick, AdGroup, Conversion, ConversionAccepted, DailyReport, Lead
from adapters.social_ads.tokens import TokenKeeper
from adapters.social_ads.webhooks import CLICK, click_link, interpret_click, receive_click

#: Rows of one call.
ADGROUPS_PER_PAGE: Final = 100
REPORTS_PER_PAGE: Final = 100
LEADS_PER_PAGE: Final = 200
