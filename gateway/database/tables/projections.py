"""What the platforms know, as last read from them. Written by ``gateway.events.projections`` alone.

Every row begins with the platform's own account id, carries ``as_of`` (when the platform was asked, or
the event's time), and names shoppers by our ``identity`` id: a merge re-points one identity row and
touches none here.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Integer, String, Table, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Json, KeyedHash, Long, UtcDateTime


def _as_of() -> Column[object]:
    return Column("as_of", UtcDateTime, nullable=False)


_BLOCKED = text("blocked_at IS NOT NULL")

follower = Table(
    "follower",
    metadata,
    Column("appid", String, primary_key=True),
    Column("identity", String(26), primary_key=True),
    Column("subscribed", Boolean, nullable=False),
    Column("subscribed_at", UtcDateTime),
    Column("scene", String, nullable=False),
    Column("qr_scene", String, nullable=False),
    Column("remark", Encrypted),
    Column("tag_ids", Json, nullable=False),
    Column("blocked_at", UtcDateTime, comment="When they were seen on the account's blacklist; null: they are not."),
    Column("block_as_of", UtcDateTime, comment="The instant of which blocked_at tells."),
    _as_of(),
    Index(None, "identity"),
    Index("ix_follower_blocked", "blocked_at", "appid", "identity", sqlite_where=_BLOCKED, postgresql_where=_BLOCKED),
)

follower_tag = Table(
    "follower_tag",
    metadata,
    Column("appid", String, primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("followers", Integer, nullable=False),
    _as_of(),
)

dialogue = Table(
    "dialogue",
    metadata,
    Column("appid", String, primary_key=True),
    Column("identity", String(26), primary_key=True),
    Column("kind", String, primary_key=True, comment="MESSAGE, MENU, FOLLOW or SCAN: what opened the window."),
    Column("at", UtcDateTime, nullable=False, comment="The last time; customer-service messages are counted from it."),
    _as_of(),
    Index(None, "identity"),
)

membership_card = Table(
    "membership_card",
    metadata,
    Column("appid", String, primary_key=True),
    Column("identity", String(26), primary_key=True),
    Column("grade", Integer, nullable=False),
    Column("growth", Long, nullable=False),
    Column("points", Long),
    _as_of(),
    Index(None, "identity"),
)

product = Table(
    "product",
    metadata,
    Column("appid", String, primary_key=True),
    Column("product_id", String, primary_key=True),
    Column("spu", String, nullable=False),
    Column("title", String, nullable=False),
    Column("image", String, nullable=False),
    Column("category", String, nullable=False),
    Column("on_sale", Boolean, nullable=False),
    _as_of(),
    Index(None, "spu"),
)

product_draft = Table(
    "product_draft",
    metadata,
    Column("appid", String, primary_key=True),
    Column("product_id", String, primary_key=True),
    Column("spu", String, nullable=False),
    Column("title", String, nullable=False),
    Column("state", String, nullable=False, comment="DraftState; DELETED with its product"),
    Column("skus", Json, nullable=False, comment="Variants: code, attributes, price in fen, pieces."),
    Column("reason", String, comment="Why the last audit refused it, in the platform's words."),
    _as_of(),
    Index(None, "spu"),
)

offer = Table(
    "offer",
    metadata,
    Column("appid", String, primary_key=True),
    Column("sku_id", String, primary_key=True),
    Column("product_id", String, nullable=False),
    Column("sku", String, nullable=False, comment="The brand's own code."),
    Column("attributes", Json, nullable=False),
    Column("price", Long, nullable=False, comment="fen"),
    Column("platform_stock", Long, nullable=False),
    _as_of(),
    Index(None, "sku"),
    Index(None, "appid", "product_id"),
)

purchase = Table(
    "purchase",
    metadata,
    Column("id", String, primary_key=True, comment="source:account:native id"),
    Column("source", String, nullable=False, comment="MINI_PROGRAM, STORE, POS, WECOM_COLLECTION or IMPORT"),
    Column("account", String, nullable=False),
    Column("native_id", String, nullable=False),
    Column("form", String, nullable=False, comment="FLAGSHIP, GUIDE, FISSION or IN_STORE"),
    Column("state", String, nullable=False),
    Column("identity", String(26)),
    Column("list_total", Long, nullable=False),
    Column("discount", Long, nullable=False),
    Column("freight", Long, nullable=False),
    Column("payable", Long, nullable=False),
    Column("payer_paid", Long),
    Column("refunded", Long, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("paid_at", UtcDateTime),
    Column("shipped_at", UtcDateTime),
    Column("store", String, comment="Selling store."),
    Column("guide", String, comment="Credited guide."),
    Column("campaign", String),
    Column("scene", String),
    Column("method", String, nullable=False, comment="EXPRESS, PICKUP, CITY or VIRTUAL"),
    Column("fulfilment_state", String, nullable=False),
    Column("carrier", String),
    Column("tracking", String),
    Column("pickup_code", Encrypted),
    Column("receiver", Encrypted),
    Column("receiver_city", String),
    Column("mchid", String),
    Column("out_trade_no", String),
    Column("transaction_id", String),
    Column("saga", String(26)),
    Column("out_id", String),
    Column(
        "changed_at",
        UtcDateTime,
        nullable=False,
        comment="When our copy last changed, by our own clock: updated_at is the platform's, and may arrive late.",
    ),
    _as_of(),
    Index(None, "identity", "created_at", "id"),
    Index(None, "changed_at", "id"),
    Index(None, "created_at", "id"),
    Index(None, "mchid", "out_trade_no"),
    Index(None, "store", "created_at"),
    Index(None, "native_id"),
    Index(None, "out_id"),
)

purchase_line = Table(
    "purchase_line",
    metadata,
    Column("purchase", String, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("sku", String, nullable=False),
    Column("title", String, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("list_amount", Long, nullable=False),
    Column("discount", Long, nullable=False),
    Column("paid", Long, nullable=False),
    Index(None, "sku"),
)

after_sale = Table(
    "after_sale",
    metadata,
    Column("appid", String, primary_key=True),
    Column("after_sale_id", String, primary_key=True),
    Column("purchase", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("sku", String, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("refund", Long, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    _as_of(),
    Index(None, "purchase"),
)

payment = Table(
    "payment",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("out_trade_no", String, primary_key=True),
    Column("transaction_id", String, nullable=False),
    Column("sub_mchid", String),
    Column("appid", String, nullable=False),
    Column("identity", String(26), comment="The payer, who is not always the receiver."),
    Column("state", String, nullable=False),
    Column("trade_type", String, nullable=False),
    Column("total", Long, nullable=False),
    Column("payer_total", Long),
    Column("refunded", Long, nullable=False),
    Column("paid_at", UtcDateTime),
    Column("at", UtcDateTime, nullable=False, comment="paid_at, or when the unpaid order was seen."),
    Column("description", String, nullable=False),
    Column("purchase", String),
    _as_of(),
    Index(None, "identity", "at", "out_trade_no"),
    Index(None, "purchase"),
)

refund = Table(
    "refund",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("out_refund_no", String, primary_key=True),
    Column("out_trade_no", String, nullable=False),
    Column("refund_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("amount", Long, nullable=False),
    Column("succeeded_at", UtcDateTime),
    _as_of(),
    Index(None, "mchid", "out_trade_no"),
)

coupon = Table(
    "coupon",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("stock_id", String, primary_key=True),
    Column("code", String, primary_key=True),
    Column("identity", String(26), nullable=False),
    Column("name", String, nullable=False),
    Column("state", String, nullable=False),
    Column("discount", Long),
    Column("minimum", Long),
    Column("received_at", UtcDateTime),
    Column("starts_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    _as_of(),
    Index(None, "identity", "expires_at"),
)

cash_coupon = Table(
    "cash_coupon",
    metadata,
    Column("mchid", String, primary_key=True),
    Column("coupon_id", String, primary_key=True),
    Column("stock_id", String, nullable=False),
    Column("identity", String(26), nullable=False),
    Column("name", String, comment="Null, as what follows: the platform could not be asked when it was given."),
    Column("value", Long, comment="fen"),
    Column("minimum", Long, comment="fen"),
    Column("given_at", UtcDateTime, nullable=False),
    Column("starts_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("used_at", UtcDateTime),
    _as_of(),
    Index(None, "identity", "given_at"),
)

#: Most contacts come by no channel.
_CHANNEL = text("state <> ''")

contact = Table(
    "contact",
    metadata,
    Column("corpid", String, primary_key=True),
    Column("userid", String, primary_key=True),
    Column("identity", String(26), primary_key=True),
    Column("name", Encrypted),
    Column("remark", Encrypted),
    Column("add_way", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("added_at", UtcDateTime),
    Column("removed_by", String, comment="CUSTOMER, GUIDE or TRANSFER"),
    Column("removed_at", UtcDateTime),
    Column("tag_ids", Json, nullable=False),
    _as_of(),
    Index(None, "identity"),
    Index("ix_contact_channel", "corpid", "state", sqlite_where=_CHANNEL, postgresql_where=_CHANNEL),
)

contact_tag = Table(
    "contact_tag",
    metadata,
    Column("corpid", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("group_name", String, nullable=False),
    _as_of(),
)

department = Table(
    "department",
    metadata,
    Column("corpid", String, primary_key=True),
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, info={"not_personal": "a part of the corp, such as a store"}),
    Column("parent", Integer, comment="The department above it; none of the root."),
    _as_of(),
)

customer_group = Table(
    "customer_group",
    metadata,
    Column("corpid", String, primary_key=True),
    Column("chat_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("created_at", UtcDateTime),
    Column("member_count", Integer, nullable=False),
    _as_of(),
)

customer_group_member = Table(
    "customer_group_member",
    metadata,
    Column("corpid", String, primary_key=True),
    Column("chat_id", String, primary_key=True),
    Column("identity", String(26), primary_key=True),
    Column("joined_at", UtcDateTime),
    Column("state", String, nullable=False, comment="The channel of the code that they scanned; empty: none."),
    _as_of(),
    Index(None, "identity"),
    Index("ix_customer_group_member_channel", "corpid", "state", sqlite_where=_CHANNEL, postgresql_where=_CHANNEL),
)

ad = Table(
    "ad",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("adgroup_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("status", String, nullable=False),
    Column("campaign", String),
    Column("created_at", UtcDateTime),
    _as_of(),
)

ad_report = Table(
    "ad_report",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("adgroup_id", String, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("impressions", Long, nullable=False),
    Column("clicks", Long, nullable=False),
    Column("cost", Long, nullable=False, comment="fen"),
    Column("conversions", Long, nullable=False),
    _as_of(),
)

ad_click = Table(
    "ad_click",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("click_id", String, primary_key=True),
    Column("adgroup_id", String),
    Column("identity", String(26), comment="By a claimed openid: never proof."),
    Column("clicked_at", UtcDateTime, nullable=False),
    _as_of(),
    Index(None, "identity", "clicked_at", "click_id"),
)

lead = Table(
    "lead",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("lead_id", String, primary_key=True),
    Column("adgroup_id", String),
    Column("click_id", String),
    Column("name", Encrypted),
    Column("phone", Encrypted),
    Column("phone_hash", KeyedHash("phone")),
    Column("created_at", UtcDateTime, nullable=False),
    _as_of(),
    Index(None, "phone_hash"),
    Index(None, "created_at", "account_id", "lead_id"),
)

stored_file = Table(
    "stored_file",
    metadata,
    Column("bucket", String, primary_key=True),
    # A member's folder is named by a platform id, so the key itself is personal.
    Column("key_hash", KeyedHash("file"), primary_key=True),
    Column("key", Encrypted, nullable=False),
    Column("identity", String(26), nullable=False),
    Column("size", Long, nullable=False),
    Column("etag", String, nullable=False),
    Column("modified_at", UtcDateTime, nullable=False),
    _as_of(),
    Index(None, "identity", "modified_at"),
)

sync_state = Table(
    "sync_state",
    metadata,
    Column("tool", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("stream", String, primary_key=True),
    Column("state", String, nullable=False, comment="RUNNING, DONE, FAILED or WAITING"),
    Column("rows", Long, nullable=False),
    Column("watermark", UtcDateTime, comment="Everything before it has been read."),
    Column("error_code", String),
    Column("updated_at", UtcDateTime, nullable=False),
)
