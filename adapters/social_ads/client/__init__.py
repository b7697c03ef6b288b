"""腾讯广告 Marketing API v3.0, one method per endpoint, one class per family of endpoints."""

from adapters.social_ads.client.actions import ActionsClient
from adapters.social_ads.client.ads import AdsClient
from adapters.social_ads.client.audiences import AudiencesClient
from adapters.social_ads.client.leads import LeadsClient
from adapters.social_ads.client.oauth import OAuthClient
from adapters.social_ads.client.reports import ReportsClient
from adapters.social_ads.client.wire import encode_query


class SocialAdsClient(OAuthClient, AdsClient, ReportsClient, AudiencesClient, ActionsClient, LeadsClient):
    """All of them, for one advertiser account."""


__all__ = ["SocialAdsClient", "encode_query"]
