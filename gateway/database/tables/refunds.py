"""Bank cards of refunds that the payer's account does not take (异常退款), for as long as the platform lacks them.

Rows are written and deleted by ``gateway.transactions.effects.refund_redirects``, and after a day by the retention.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from gateway.database.schema import metadata
from gateway.database.types import EncryptedJson, UtcDateTime

refund_card = Table(
    "refund_card",
    metadata,
    Column("saga", String(26), primary_key=True, comment="The transaction that sends the refund there."),
    Column("number", String, primary_key=True, comment="商户退款单号"),
    Column("member", String(36), comment="Who paid, or the order's shopper: under whose key it is sealed."),
    Column("card", EncryptedJson, nullable=False, comment="Bank, number and holder."),
    Column("asked_at", UtcDateTime, nullable=False),
    Index(None, "member"),
)
