"""The way to api.weixin.qq.com that all calls of one appid share."""

from __future__ import annotations

from adapters.base.http import Upstream
from adapters.official_account.config import OfficialAccountConfig
from adapters.official_account.errors import FAULTS
from adapters.wechat.api import TokenApi
from adapters.wechat.tokens import stable_tokens


def access(upstream: Upstream, config: OfficialAccountConfig) -> TokenApi:
    """Endpoints that take the appid's access token."""
    tokens = stable_tokens(upstream, config.base_url, config.appid, config.secret, FAULTS)
    return TokenApi(upstream, tokens, config.base_url, FAULTS)
