"""errcodes of qyapi.weixin.qq.com (全局错误码) and what they mean for the caller.

This host gives some numbers another meaning than api.weixin.qq.com does: 40001 is a wrong *secret*, never
a token, and must not be answered by fetching tokens. Only 40014 and 42001 renew one.
"""

from __future__ import annotations

from typing import Final

from adapters.base.errors import (
    Conflict,
    Fault,
    FaultTable,
    Invalid,
    NotFound,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)

_RENEWED = "The platform no longer takes the access token; it is renewed once, then an operator must look."
_SECRET = "The platform refuses this secret for this corp; correct the account's secret in the settings."  # noqa: S105
_ARGUMENT = "The platform calls an argument wrong, too long or missing; compare it with the vendor's page."
_EMPLOYEE = "No such employee: never there, gone, or outside the app's visible range."
_DEPARTMENT = "No such department, or it is outside the app's visible range."
_AGENT = "The agentid is not that of the app whose secret is used; correct the account's settings."
_CURSOR = "The cursor has expired or belongs to another question; begin again from the first page."
_CARD = "The card's task_id or response code was used before or has expired; send a new card."
_MEDIA = "The platform does not know this media_id, or its three days are over; upload the picture again."
_ATTACHMENTS = "The platform calls the attachments wrong: at most nine, each of a documented kind."
_SCOPE = "A person or department is outside the app's visible range or 客户联系 scope; widen it in the console."
_FEATURE = "The app may not use this call; grant it in the console (客户联系 → 可调用应用, or API 权限)."
_LOGIN = "The login code was used before, is older than five minutes, or is none; let the employee log in again."
_WAY = "The platform calls a field of the contact way or join way wrong or missing; compare it with the vendor's page."
_MOMENT = "The platform refuses this request about 朋友圈; compare it with the vendor's page."
_ALBUM = "The platform refuses this request about 商品图册; compare it with the vendor's page."
_GUARD = "The platform refuses this request about 敏感词; compare it with the vendor's page."
_GROUP_GONE = "The group cannot be given to the new owner; see the reason of the row."
_MINI_PROGRAM = "The mini-program is not linked to the app, or its appid is not the linked one; link it in the console."
_TILE = "The platform refuses this tile (工作台模版); compare it with the vendor's page."
_UNIONID = "The platform turns no unionid into a customer for this caller; customers carry their unionid themselves."
_SLOWER = "Too many calls; the platform blocks this call for as long as its window lasts."

FAULTS: Final = FaultTable(
    "enterprise_chat",
    {
        -1: Fault(Unavailable, "busy", "The platform is busy; repeat later."),
        6000: Fault(Conflict, "version_conflict", "The data changed meanwhile; read it again, then decide."),
        40001: Fault(Unauthorized, "secret_wrong", _SECRET),
        40003: Fault(NotFound, "no_such_employee", _EMPLOYEE),
        40006: Fault(Invalid, "file_size", "The platform finds the file too small or too large; see its limits."),
        **{code: Fault(Invalid, "media", _MEDIA) for code in (40007, 40145)},
        40008: Fault(Invalid, "message_type", "The platform does not know this message type; a client bug."),
        40013: Fault(Unauthorized, "corpid_unknown", "The platform does not know this corpid; correct it."),
        40014: Fault(Unauthorized, "token_invalid", _RENEWED, renew_token=True),
        40029: Fault(Rejected, "login_code", _LOGIN),
        40031: Fault(NotFound, "no_such_employee", _EMPLOYEE),
        40032: Fault(Invalid, "too_many_userids", "The list of userids is over the limit; send fewer."),
        40033: Fault(Invalid, "encoding", "The body must be raw UTF-8 without \\u escapes; a client bug."),
        40035: Fault(Invalid, "argument", _ARGUMENT),
        40050: Fault(NotFound, "no_such_group", "No such customer group; it may have been dismissed."),
        **{
            code: Fault(Invalid, "menu_url", "A menu button needs an http or https address.") for code in (40054, 40055)
        },
        40056: Fault(Unauthorized, "agent_mismatch", _AGENT),
        40058: Fault(Invalid, "argument", _ARGUMENT),
        40063: Fault(Invalid, "argument", _ARGUMENT),
        40066: Fault(Invalid, "department_list", "The list of departments is not valid; correct it."),
        40068: Fault(NotFound, "no_such_tag", "No such customer tag; read the tags again."),
        40071: Fault(Conflict, "tag_exists", "A tag or group of tags of this name is there already; use it."),
        40072: Fault(Invalid, "tag_name_length", "The name of a tag has 1 to 30 characters."),
        40073: Fault(NotFound, "no_such_openid", "The platform does not know this openid for the corp."),
        40091: Fault(Unauthorized, "secret_wrong", _SECRET),
        40096: Fault(
            NotFound,
            "no_such_contact",
            "No such customer, or none of the employees who have them is visible to the app.",
        ),
        40093: Fault(
            Invalid, "js_signature", "The client refused the page's signature: sign the address as it has it."
        ),
        40097: Fault(Rejected, "not_resigned", "The employee has not left; use the handover of employees who stay."),
        40098: Fault(Rejected, "not_real_named", "An employee has not confirmed their identity (实名); ask them to."),
        40099: Fault(Rejected, "takeover_full", "The new employee has as many customers as they may; choose another."),
        40100: Fault(Conflict, "handover_under_way", "The customer is being given away already; ask for the result."),
        40126: Fault(Rejected, "tag_quota", "The corp has as many tags as it may (10,000); delete some."),
        40128: Fault(Rejected, "handed_over_twice", "The customer was given away twice in 90 days; wait."),
        40129: Fault(Conflict, "handover_under_way", "The customer is being given away already; ask for the result."),
        40130: Fault(Invalid, "same_employee", "Old and new employee are the same; choose another."),
        40131: Fault(NotFound, "not_a_follower", "The employee does not have this customer."),
        40143: Fault(Rejected, "employee_blocked", "The platform keeps this employee from contacts; choose another."),
        40144: Fault(Rejected, "too_many_tags", "The customer has as many tags as one may; take some off."),
        40201: Fault(Rejected, "anti_spam", "The platform's spam guard refused; do not repeat."),
        40204: Fault(Rejected, "anti_spam", "The platform's spam guard refused; do not repeat."),
        40205: Fault(Rejected, "wechat_ticket", "The employee must log in to the client again."),
        40206: Fault(Invalid, "body_too_large", "The request body is too large; send less at once."),
        41001: Fault(Unauthorized, "token_missing", "The request carried no access token; a client bug."),
        41002: Fault(Unauthorized, "corpid_missing", "The request carried no corpid; set the account's."),
        41004: Fault(Unauthorized, "secret_missing", "The request carried no secret; set the account's."),
        41011: Fault(Invalid, "agentid_missing", "The message carried no agentid; a client bug."),
        41035: Fault(Invalid, "external_userid_missing", "The request carried no external_userid; give one."),
        **{code: Fault(Invalid, "contact_way", _WAY) for code in (41037, 41038, 41039, 41040, 41042, 41043)},
        41041: Fault(Invalid, "way_people", "More than 100 people are behind the contact way; name fewer."),
        41044: Fault(NotFound, "no_such_way", "The platform knows no contact way or join way of this config_id."),
        41045: Fault(Rejected, "way_quota", "The corp has 500,000 contact and join ways; delete some."),
        41046: Fault(Invalid, "task_id_missing", "The request carried no msgid; a client bug."),
        41047: Fault(NotFound, "no_such_task", "The platform knows no group-send task of this msgid."),
        41048: Fault(
            Rejected, "nobody_to_send_to", "No customer or group is left to send to: all gone, or over the cap."
        ),
        41049: Fault(Invalid, "welcome_code_missing", "The request carried no welcome code; a client bug."),
        41050: Fault(Rejected, "welcome_code_expired", "The welcome code is not valid: made up, or older than 20 s."),
        41051: Fault(Rejected, "welcome_done", "A welcome was sent already, or the two are talking; do not repeat."),
        41052: Fault(Rejected, "welcome_too_late", "The platform takes no welcome at this time; do not repeat."),
        41053: Fault(Rejected, "archive_consent", "The customer has yet to agree to 会话内容存档; do not repeat."),
        41054: Fault(
            Rejected, "employee_inactive", "The employee is not activated or has not confirmed their identity."
        ),
        **{code: Fault(Invalid, "moment", _MOMENT) for code in (41059, 41060, 41061, 41062, 41067, 41078)},
        41063: Fault(
            Unavailable, "dispatching", "The task is being dispatched; ask again in a few seconds.", refused=True
        ),
        **{code: Fault(Invalid, "attachments", _ATTACHMENTS) for code in (41064, 41065)},
        **{
            code: Fault(Invalid, "intercept_rule", _GUARD)
            for code in (*range(41068, 41072), 41076, 41077, 41083, 41084)
        },
        **{code: Fault(Invalid, "attachments", _ATTACHMENTS) for code in (41072, 41080, 41081, 41082)},
        **{code: Fault(Invalid, "product_album", _ALBUM) for code in (41073, 41074, 41075, 41085, 41086, 41087, 41202)},
        41079: Fault(Unavailable, "dispatching", "The moment is being published; ask again later.", refused=True),
        **{code: Fault(Invalid, "moment", _MOMENT) for code in (41088, 41089, 41211)},
        41093: Fault(Conflict, "send_cancelled", "The group-send task was cancelled."),
        41094: Fault(Rejected, "reminded_enough", "Three reminders in 24 hours are the limit; wait."),
        41095: Fault(Rejected, "link_quota", "The corp has as many 获客链接 as it may; delete some."),
        41096: Fault(Conflict, "welcome_under_way", "Another app of the corp is sending its welcome right now."),
        41200: Fault(Unauthorized, "category", "Only corps of some business categories may do this."),
        41210: Fault(RateLimited, "too_fast", _SLOWER, retry_after=60.0),
        42001: Fault(Unauthorized, "token_expired", _RENEWED, renew_token=True),
        **{code: Fault(Rejected, "login_code", _LOGIN) for code in (42003, 42022)},
        42009: Fault(Unauthorized, "suite_token", "A suite's token expired; third-party suites are not supported."),
        **{code: Fault(Conflict, "card_used", _CARD) for code in (*range(42014, 42021), 42052, 60140)},
        43004: Fault(Rejected, "wechat_not_bound", "The employee has not bound WeChat; ask them to."),
        43012: Fault(Unauthorized, "callback_missing", "The app has no callback URL; enter one in the console."),
        44001: Fault(Invalid, "file_size", "The file is empty or missing; give one of more than five bytes."),
        45002: Fault(Invalid, "content_too_long", "The message is too long; shorten it."),
        45008: Fault(Invalid, "too_many_articles", "The message has too many articles; send at most eight."),
        45009: Fault(RateLimited, "too_fast", _SLOWER, retry_after=60.0),
        45029: Fault(Invalid, "answer_too_big", "The answer would be too big; ask for less at once."),
        45033: Fault(RateLimited, "too_many_at_once", "Too many calls at the same time; use fewer.", retry_after=1.0),
        45035: Fault(Conflict, "edited_at_once", "Someone edits the same thing right now; read again, then decide."),
        45036: Fault(RateLimited, "traffic_guard", "The platform finds our traffic abnormal; wait.", retry_after=60.0),
        48001: Fault(Unauthorized, "not_permitted", _FEATURE),
        48002: Fault(Unauthorized, "not_permitted", _FEATURE),
        48005: Fault(Unauthorized, "retired", "The platform has retired this call; the client must change."),
        48006: Fault(Unauthorized, "withdrawn", "The permission lapsed from disuse; grant it again in the console."),
        48009: Fault(
            Unauthorized,
            "contacts_sync_address",
            "The 通讯录同步 secret may not read members from our address; use the app's secret.",
        ),
        48010: Fault(Unauthorized, "old_tls", "The platform refuses old TLS versions; use TLS 1.2 or later."),
        48011: Fault(
            Unauthorized,
            "members_inactive",
            "Too few of the corp's members are active for customer data to be released; see its console.",
        ),
        50001: Fault(
            Unauthorized, "host_not_trusted", "The page's host is not among the app's 可信域名; add it there."
        ),
        50002: Fault(Rejected, "outside_scope", _SCOPE),
        50003: Fault(Unauthorized, "app_disabled", "The app is disabled; enable it in the console."),
        50100: Fault(Conflict, "cursor_expired", _CURSOR),
        60003: Fault(NotFound, "no_such_department", _DEPARTMENT),
        60011: Fault(Unauthorized, "no_right", _SCOPE),
        60020: Fault(
            Unauthorized,
            "ip_not_allowed",
            "Our address is not among the app's 企业可信IP; add it in the console and wait a minute.",
        ),
        60021: Fault(Rejected, "outside_scope", _SCOPE),
        60030: Fault(Rejected, "outside_scope", _SCOPE),
        60031: Fault(Unauthorized, "app_barred", "The app is barred from this call; see the console."),
        60111: Fault(NotFound, "no_such_employee", _EMPLOYEE),
        60123: Fault(NotFound, "no_such_department", _DEPARTMENT),
        60124: Fault(NotFound, "no_such_department", _DEPARTMENT),
        60268: Fault(Conflict, "cursor_expired", _CURSOR),
        80001: Fault(
            Unauthorized, "host_not_trusted", "The page's host is not among the app's 可信域名; add it there."
        ),
        81011: Fault(Unauthorized, "no_tag_right", "The app may not use this tag; see the console."),
        81012: Fault(Rejected, "outside_scope", _SCOPE),
        81013: Fault(Rejected, "nobody_reached", "None of the recipients exists within the app's visible range."),
        81017: Fault(Invalid, "too_many_owners", "More than 1000 people are visible; ask by owner, 100 at a time."),
        82001: Fault(Invalid, "no_recipient", "The message names nobody; give at least one userid."),
        84061: Fault(
            NotFound,
            "no_relation",
            "The customer and the employee are no contacts: deleted by the employee, or yet unconfirmed.",
        ),
        84074: Fault(Unauthorized, "not_permitted", _FEATURE),
        84084: Fault(NotFound, "not_a_follower", "The employee does not have this customer."),
        **{
            code: Fault(Invalid, "mini_program", _MINI_PROGRAM) for code in (*range(90201, 90204), *range(90206, 90209))
        },
        90500: Fault(Rejected, "owner_not_resigned", "The group's owner has not left; use the other handover."),
        90501: Fault(NotFound, "not_a_customer_group", "The chat is no customer group."),
        90502: Fault(Rejected, "owner_resigned", "The group's owner has left; use the handover of those who left."),
        90503: Fault(Rejected, "takeover_full", "The new owner has as many groups as they may; choose another."),
        90504: Fault(Invalid, "same_employee", "The new owner has the group already."),
        **{code: Fault(Rejected, "group_handover", _GROUP_GONE) for code in (90505, 90506, 90510)},
        90507: Fault(Conflict, "handover_under_way", "The group is being given away already."),
        90508: Fault(Conflict, "handed_over", "The group was given away already."),
        90509: Fault(NotFound, "not_a_customer_group", "The chat is no customer group of the corp."),
        90511: Fault(Invalid, "opengid", "The opengid is none of the corp's groups; take it from the group's entry."),
        94000: Fault(Rejected, "tile_off", "The app's tile is not in 自定义 mode; switch it on in the console."),
        **{code: Fault(Invalid, "tile", _TILE) for code in (*range(94001, 94009), *range(94010, 94017))},
        301002: Fault(Unauthorized, "agent_mismatch", _AGENT),
        301007: Fault(Unauthorized, "corp_closed", "The corp was closed at the platform."),
        610023: Fault(Rejected, "scale_reached", "The corp has as many customers as it may; raise its scale."),
        610024: Fault(Unauthorized, "credentials_missing", "The corp has yet to prove its identity; see the console."),
        **{code: Fault(Unauthorized, "unionid_conversion", _UNIONID) for code in range(610014, 610019)},
        701008: Fault(Rejected, "unlicensed", "None of the employees has a valid licence (互通账号); assign one."),
    },
)
