"""Errcodes of the endpoints this tool calls (vendor page: 全局返回码, and the pages of the endpoints)."""

from __future__ import annotations

from typing import Final

from adapters.base.errors import Fault, FaultTable, Invalid, NotFound, QuotaExhausted, Rejected, Unavailable
from adapters.wechat.faults import APP_ROWS, TOKEN_ROWS

#: Reasons that speak of one openid in a list and spoil the answer for all of it.
FOREIGN_OPENID: Final = frozenset({"openid_unknown", "openid_of_other_app"})

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
