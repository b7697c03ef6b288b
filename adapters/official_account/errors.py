"""Errcodes of the endpoints this tool calls (vendor page: 全局返回码, and the pages of the endpoints)."""

from __future__ import annotations

from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    NotFound,
    QuotaExhausted,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from adapters.wechat.faults import APP_ROWS, TOKEN_ROWS

_LOGIN_OVER: Final = Fault(Rejected, "login_over", "The login on the page does not hold any more; begin it again.")

#: Reasons that speak of one openid in a list and spoil the answer for all of it.
FOREIGN_OPENID: Final = frozenset({"openid_unknown", "openid_of_other_app"})

_MENU: Final = Fault(
    Invalid,
    "menu",
    "The platform does not take this menu: a name, a kind, an address or the number of entries is wrong.",
)

FAULTS: Final = FaultTable(
    "official_account",
    {
        **TOKEN_ROWS,
        **APP_ROWS,
        40003: Fault(
            NotFound,
            "openid_unknown",
            "The account knows no such openid: it is of another appid, or, as a list cursor, of the past.",
        ),
        40008: Fault(
            Invalid, "message_type", "The platform does not know this kind of message; this is a bug in the client."
        ),
        40032: Fault(
            Invalid, "list_size", "The list of openids is empty or over the platform's limit of 100 per call."
        ),
        40037: Fault(
            Invalid,
            "template_unknown",
            "The account has no template with this id; look it up in its console under 模板消息.",
        ),
        40004: Fault(Invalid, "media_type", "The platform does not take this kind of file here."),
        40007: Fault(
            Invalid, "media_unknown", "There is no such file or draft; a temporary one lives for three days only."
        ),
        40053: Fault(Invalid, "scene", "The platform does not take this scene for a QR code."),
        40054: _MENU,
        40119: _MENU,
        40120: _MENU,
        41030: Fault(Invalid, "page_path", "The mini-program page to jump to does not exist; correct its path."),
        43100: Fault(Rejected, "industry_fixed", "The industry can be changed once a month."),
        45029: Fault(Rejected, "too_many_codes", "The account has as many permanent QR codes as it may have."),
        45056: Fault(Rejected, "too_many_tags", "The account has as many tags as it may have; delete one."),
        45057: Fault(
            Rejected, "tag_too_large", "The tag has too many followers to be deleted; take it off some first."
        ),
        45058: Fault(Rejected, "tag_of_system", "The tag is the platform's own and cannot be changed."),
        45059: Fault(Rejected, "too_many_tags_of_user", "A follower has as many tags as one may have: 20."),
        45064: Fault(
            Rejected, "mini_program_unlinked", "A mini-program of the menu is not linked with the account; link it."
        ),
        45065: Fault(Conflict, "sent_before", "The platform has a mass message with this key already."),
        45066: Fault(
            RateLimited, "key_too_soon", "This mass message was sent a moment ago; wait a minute.", retry_after=60.0
        ),
        45067: Fault(Invalid, "key_too_long", "The key of a mass message is too long; the platform takes 64 bytes."),
        45072: Fault(Invalid, "typing_command", "The platform does not know this state; this is a bug in the client."),
        45080: Fault(Rejected, "no_recent_message", "This person did nothing for 30 seconds; send a message at once."),
        45081: Fault(Rejected, "typing_already", "This person sees already that an answer is being written."),
        45083: Fault(Invalid, "speed", "The speed of mass messages is 0 to 4."),
        45084: Fault(Invalid, "speed", "The request had no speed; this is a bug in the client."),
        45157: Fault(Rejected, "tag_name", "There is a tag of this name, or the name holds what it may not."),
        45158: Fault(Invalid, "tag_name_too_long", "The name of a tag is too long; the platform takes 30 characters."),
        45159: Fault(NotFound, "tag_unknown", "The account has no such tag."),
        53600: Fault(NotFound, "article_unknown", "The account has no such publication or article."),
        46003: Fault(NotFound, "menu_missing", "The account has no menu."),
        48006: Fault(QuotaExhausted, "clearing_quota", "Quotas were cleared ten times this month; wait for the next."),
        53503: Fault(Rejected, "draft_not_fit", "The draft did not pass the platform's check; open it in the console."),
        53504: Fault(Rejected, "draft_to_confirm", "Somebody must confirm this draft in the console."),
        53505: Fault(Rejected, "draft_to_confirm", "Somebody must confirm this draft in the console."),
        61500: Fault(Invalid, "date_format", "The platform cannot read a date; this is a bug in the client."),
        61501: Fault(Invalid, "date_span", "The span of days is too long, or its end is not past."),
        61503: Fault(Unavailable, "figures_not_ready", "The platform is still counting this day; ask after 8 o'clock."),
        76021: Fault(Invalid, "path_unknown", "The platform has no quota for this path; this is a bug in the client."),
        76022: Fault(Invalid, "path_of_other_account", "This path is not for an account of this kind."),
        **dict.fromkeys(range(40015, 40029), _MENU),
        **dict.fromkeys(range(65301, 65318), _MENU),
        40165: Fault(Invalid, "page_path", "The mini-program page to jump to does not exist; correct its path."),
        40166: Fault(
            Invalid,
            "mini_program_appid",
            "The mini-program to jump to is not linked with the account; link it in the console.",
        ),
        43004: Fault(Rejected, "not_following", "This person does not follow the account."),
        43019: Fault(Rejected, "on_blacklist", "The account put this person on its blacklist; take them off first."),
        43101: Fault(Rejected, "user_refused", "This person refused messages of this kind."),
        44003: Fault(Invalid, "content_empty", "The link has no title or address; give both."),
        44004: Fault(Invalid, "content_empty", "The message has no text; give one."),
        45002: Fault(
            Invalid, "content_too_long", "The text is longer than the platform takes: 2,048 bytes in UTF-8; shorten it."
        ),
        45008: Fault(Invalid, "too_many_links", "A message takes one link; send another message for the next one."),
        45015: Fault(
            Rejected,
            "window_closed",
            "The platform takes no customer-service message to this person now; they must write or scan first.",
        ),
        45028: Fault(
            QuotaExhausted,
            "send_quota",
            "The account's allowance for sending is used up; wait for a new day.",
        ),
        45047: Fault(
            Rejected,
            "window_spent",
            "This person had as many customer-service messages as the platform allows until they write again.",
        ),
        46004: Fault(NotFound, "user_unknown", "The platform knows no such user."),
        47003: Fault(
            Invalid,
            "template_field",
            "A field of the template is missing or breaks its type's rule (a thing: 1 to 20 characters).",
        ),
        48002: Fault(Rejected, "user_blocks", "This person blocked messages of the account."),
        49003: Fault(NotFound, "openid_of_other_app", "This openid belongs to another appid than the account's."),
        50005: Fault(Rejected, "unsubscribed", "This person stopped following the account."),
        61450: Fault(Unavailable, "platform_busy", "The platform is busy; repeat later."),
        61451: Fault(Invalid, "arguments", "The platform calls an argument invalid."),
    },
)

#: Of the calls for web pages: their tokens are people's, so that a refused one says nothing about the account's.
WEB_FAULTS: Final = FaultTable(
    "official_account",
    {
        **dict(FAULTS.items()),
        40001: _LOGIN_OVER,
        40014: _LOGIN_OVER,
        40029: Fault(Rejected, "code_invalid", "The code of the page is none; send the browser to the login again."),
        40030: _LOGIN_OVER,
        40163: Fault(
            Rejected, "code_used", "The code of the page was used before; send the browser to the login again."
        ),
        41008: Fault(Invalid, "code_missing", "The request carried no code; this is a bug in the caller."),
        42001: _LOGIN_OVER,
        42002: _LOGIN_OVER,
        42003: Fault(Rejected, "code_expired", "The code of the page is too old; send the browser to the login again."),
        42007: _LOGIN_OVER,
        50001: Fault(
            Unauthorized,
            "scope_missing",
            "This person was not asked for name and picture; log in with snsapi_userinfo.",
        ),
    },
)
