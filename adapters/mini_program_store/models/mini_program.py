"""What a mini-program's server is answered about its shoppers."""

from __future__ import annotations

import msgspec

from adapters.mini_program_store.models.numbers import Number


class JsCode2Session(msgspec.Struct):
    """GET /sns/jscode2session."""

    openid: str
    session_key: str
    unionid: str = ""


class PhoneInfo(msgspec.Struct):
    """``purePhoneNumber`` has no country code in front."""

    purePhoneNumber: str
    countryCode: Number


class GetUserPhoneNumber(msgspec.Struct):
    """POST /wxa/business/getuserphonenumber."""

    phone_info: PhoneInfo


class SubscribeValue(msgspec.Struct):
    """One field of a template's text."""

    value: str


class SubscribeSendRequest(msgspec.Struct, omit_defaults=True):
    """POST /cgi-bin/message/subscribe/send. Without ``miniprogram_state`` a tap opens the published version."""

    touser: str
    template_id: str
    data: dict[str, SubscribeValue]
    page: str = ""


class Session(msgspec.Struct):
    """GET /wxa/resetusersessionkey."""

    openid: str
    session_key: str


class PaidUnionid(msgspec.Struct):
    """GET /wxa/getpaidunionid."""

    unionid: str = ""


class SceneCodeRequest(msgspec.Struct, omit_defaults=True):
    """POST /wxa/getwxacodeunlimit. Defaults are the platform's own."""

    scene: str
    page: str = ""
    check_path: bool = True
    env_version: str = "release"
    width: int = 430
    is_hyaline: bool = False


class Template(msgspec.Struct):
    """One template of gettemplate; ``type`` 2 one-time, 3 long-term."""

    priTmplId: str
    title: str = ""
    content: str = ""
    example: str = ""
    type: int = 0


class TemplateList(msgspec.Struct):
    """GET /wxaapi/newtmpl/gettemplate."""

    data: tuple[Template, ...] = ()


class TemplateAdded(msgspec.Struct):
    """POST /wxaapi/newtmpl/addtemplate."""

    priTmplId: str
