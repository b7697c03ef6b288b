"""Settings of one advertiser account (广告主账号)."""

from __future__ import annotations

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig


class SocialAdsConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One advertiser account of 腾讯广告.

    Attributes:
        consent_url: the page on which an administrator of the account consents.
        account_id: the advertiser's id (account_id), at most 19 digits.
        client_id: id of the brand's own application at developers.e.qq.com.
        client_secret: the application's secret.
        access_token: first half of the pair that the consent page gave; lives 24 hours.
        refresh_token: the other half; lives 30 days. Both are only where we begin: later pairs are kept
            in the secret store. A newly authorised pair is entered here and is taken at the next start.
            Accounts that share one authorisation (an agency's) carry the same initial pair, and share
            every later one.
        user_action_set_id: the data source (数据源) that conversions are reported to.
        click_key: unguessable constant in the click-tracking link, at least 16 characters; whoever
            knows it can invent clicks.
    """

    base_url: str = "https://api.e.qq.com"
    consent_url: str = "https://developers.e.qq.com/oauth/authorize"
    account_id: int
    client_id: int
    client_secret: Secret
    access_token: Secret
    refresh_token: Secret
    user_action_set_id: int
    click_key: Secret

    def __post_init__(self) -> None:
        if len(self.click_key.reveal()) < 16:
            raise ValueError(
                f"click_key of account {self.account_id} has {len(self.click_key.reveal())} characters, the "
                "least is 16: it is the only thing that keeps strangers from inventing ad clicks"
            )

    @property
    def external_id(self) -> str:
        """The account_id as text."""
        return str(self.account_id)
