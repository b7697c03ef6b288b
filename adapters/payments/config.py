"""Settings of one mchid (商户号)."""

from __future__ import annotations

from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig


class PaymentsConfig(AccountConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One directly contracted merchant of 微信支付 API v3.

    Attributes:
        mchid: 商户号.
        apiv3_key: the 32-character APIv3 key (APIv3密钥); opens notifications.
        merchant_serial: hex serial of the merchant API certificate (商户API证书), not the platform's.
        merchant_private_key: PEM (PKCS#8) of that certificate's key; signs requests and paySign.
        platform_key_id: ``PUB_KEY_ID_…`` (微信支付公钥ID); asks the platform to sign answers with that key. Empty
            with its PEM for a merchant who has certificates (平台证书) only: they are fetched, and again twice a day.
        platform_public_key: its PEM, downloaded by hand from the merchant console.
        platform_certificates: PEMs of 平台证书 that are still valid, where they are at hand. A merchant in migration
            gets notifications signed by either key for a week; one that is unknown is fetched.
        appids: official accounts and mini-programs bound to the mchid; others are refused before sending.
    """

    mchid: str
    apiv3_key: Secret
    merchant_serial: str
    merchant_private_key: Secret
    platform_key_id: str = ""
    platform_public_key: str = ""
    base_url: str = "https://api.mch.weixin.qq.com"
    platform_certificates: tuple[str, ...] = ()
    appids: tuple[str, ...] = ()

    @property
    def external_id(self) -> str:
        """The mchid."""
        return self.mchid
