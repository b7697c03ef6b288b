"""The brand's pages inside WeChat (公众号网页)."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from adapters.official_account import PageConfig
from gateway.resolvers import wx_pages
from gateway.resolvers.wx_pages import LoginScope
from gateway.schema.info import Info
from gateway.schema.scalars import Long
from gateway.schema.sidebar import JsSignature

_ACCOUNT = "appid; the first official account of the settings without one."
Account = Annotated[str | None, strawberry.argument(description=_ACCOUNT)]


@strawberry.enum(description="What a login on a page asks for (授权作用域).")
class WxLoginScope(Enum):
    """Names of LoginScope."""

    BASE = strawberry.enum_value("BASE", description="snsapi_base: asks nothing, and tells the openid.")
    USER_INFO = strawberry.enum_value(
        "USER_INFO", description="snsapi_userinfo: asks the person, and tells the unionid too."
    )


@strawberry.type(description="What a page inside WeChat gives to wx.config.")
class WxPageConfig:
    """Config."""

    app_id: str = strawberry.field(description="appId.")
    config: JsSignature = strawberry.field(description="timestamp, nonceStr and signature.")

    @classmethod
    def of(cls, record: PageConfig) -> WxPageConfig:
        signed = JsSignature(timestamp=Long(record.timestamp), nonce_str=record.nonce, signature=record.signature)
        return cls(app_id=record.appid, config=signed)


@strawberry.type(description="Questions of pages inside WeChat.")
class WxPageQueries:
    """Pages."""

    @strawberry.field(
        description="A signature with which a page of the brand's may use the JS-SDK (JS-SDK 签名). Needs the scope"
        " checkout. A page that is not https on one of the account's trusted hosts (JS接口安全域名) is INVALID with the"
        " reason page_not_trusted."
    )
    async def wx_page_config(
        self,
        info: Info,
        url: Annotated[
            str,
            strawberry.argument(
                description="The page's address exactly as the browser has it; what follows # is left."
            ),
        ],
        account: Account = None,
    ) -> WxPageConfig | None:
        return WxPageConfig.of(await wx_pages.config(info.context, url, account))

    @strawberry.field(
        description="Where a page sends the browser to log the shopper in (网页授权): it comes back to redirectUri with"
        " a code for sessionCreate, and with state. Needs the scope checkout; trusted hosts only, as wxPageConfig."
    )
    async def wx_login_url(
        self,
        info: Info,
        redirect_uri: Annotated[str, strawberry.argument(description="Where it comes back to, with its query.")],
        state: Annotated[
            str,
            strawberry.argument(
                description="1 to 128 letters and digits that your server made for this browser, and compares: a"
                " code with another state is somebody else's."
            ),
        ],
        scope: Annotated[WxLoginScope, strawberry.argument(description="What is asked for.")] = WxLoginScope.BASE,
        account: Account = None,
    ) -> str | None:
        return wx_pages.login_url(info.context, redirect_uri, state, LoginScope[scope.name], account)
