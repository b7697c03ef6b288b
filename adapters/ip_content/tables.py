"""The tables of the licence catalogue and of the draws, in the gateway's database.

Every row begins with the licensee (the account's own id). Days are ISO text in Asia/Shanghai, instants
are microseconds since 1970 UTC. All but the ledgers (``ip_draw``, ``ip_ballot``, ``ip_asset_grant``,
``ip_activation_move``, ``ip_drop_entry``, ``ip_reward``) are replaced as a whole by each newer catalogue, so
lists that nobody searches by are JSON.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _licensee() -> Column[str]:
    return Column("licensee", String, primary_key=True)


catalogue: Final = Table(
    "ip_catalogue",
    metadata,
    _licensee(),
    Column("version", BigInteger, nullable=False),
    Column("etag", String, nullable=False),
    Column("published_at", BigInteger, nullable=False),
    Column("imported_at", BigInteger, nullable=False),
)

party: Final = Table(
    "ip_party",
    metadata,
    _licensee(),
    Column("id", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("legal_name", String, nullable=False),
)

property_: Final = Table(
    "ip_property",
    metadata,
    _licensee(),
    Column("slug", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("title_en", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("rights_holder", String, nullable=False, comment="A party's id."),
    Column("status", String, nullable=False),
    Column("assets_from", String(10)),
    Column("assets_until", String(10)),
)

agreement: Final = Table(
    "ip_agreement",
    metadata,
    _licensee(),
    Column("number", String, primary_key=True),
    Column("licensor", String, nullable=False, comment="A party's id."),
    Column("status", String, nullable=False),
    Column("starts", String(10), nullable=False),
    Column("ends", String(10), nullable=False),
    Column("sell_off_days", Integer, nullable=False),
    Column("required_stages", JSON, nullable=False),
)

grant: Final = Table(
    "ip_grant",
    metadata,
    _licensee(),
    Column("id", String, primary_key=True),
    Column("agreement", String, nullable=False),
    Column("property", String, nullable=False),
    Column("territories", JSON, nullable=False),
    Column("excluded_territories", JSON, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("uses", JSON, nullable=False),
    Column("starts", String(10), nullable=False),
    Column("ends", String(10), nullable=False),
    Column("exclusivity", String, nullable=False),
    Column("max_units", BigInteger),
    Column("units_used", BigInteger, nullable=False),
    Column("blackouts", JSON, nullable=False, comment="[[starts, ends], …]"),
    Column("approved_stages", JSON, nullable=False),
    Column("co_presence", Boolean, nullable=False, comment="Another work may be in the same store then."),
    Index(None, "licensee", "property"),
)

reservation: Final = Table(
    "ip_reservation",
    metadata,
    _licensee(),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="Place in the catalogue."),
    Column("property", String, nullable=False),
    Column("territories", JSON, nullable=False),
    Column("excluded_territories", JSON, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("starts", String(10), nullable=False),
    Column("ends", String(10), nullable=False),
    Index(None, "licensee", "property"),
)

activation: Final = Table(
    "ip_activation",
    metadata,
    _licensee(),
    Column("code", String, primary_key=True),
    Column("property", String, nullable=False),
    Column("name", String, nullable=False),
    Column("stores", JSON, nullable=False),
    Column("starts", String(10), nullable=False),
    Column("ends", String(10), nullable=False),
    Column("state", String, nullable=False),
    Column("published_state", String, nullable=False, comment="What the catalogue said last."),
    Column("cards", JSON, nullable=False, comment="[{id, name, weight, stock}, …] in the set's order."),
    Column("daily_cap", Integer),
    Column("guarantee_after", Integer),
    Column(
        "prize",
        JSON(none_as_null=True),
        comment="{id, kind, name, amount, budget, claim_days} of a complete set; null for none.",
    ),
)

activation_store: Final = Table(
    "ip_activation_store",
    metadata,
    _licensee(),
    Column("store", String, primary_key=True),
    Column("activation", String, primary_key=True),
)

rights_in: Final = Table(
    "ip_rights_in",
    metadata,
    _licensee(),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="Place in the catalogue."),
    Column("property", String, nullable=False),
    Column("territories", JSON, nullable=False),
    Column("excluded_territories", JSON, nullable=False),
    Column("categories", JSON, nullable=False),
    Column("channels", JSON, nullable=False),
    Column("starts", String(10), nullable=False),
    Column("ends", String(10), nullable=False),
    Column("talent_cleared", Boolean, nullable=False),
    Index(None, "licensee", "property"),
)

asset: Final = Table(
    "ip_asset",
    metadata,
    _licensee(),
    Column("id", String, primary_key=True),
    Column("property", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("mime", String, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("storage_key", String, nullable=False, comment="In cloud storage, private."),
    Column("credit_line", String, nullable=False),
    Column("renditions", JSON, nullable=False),
    Column("style_guide", String, nullable=False, comment="Its version; empty for none."),
    Column("embargo_until", BigInteger),
    Column("expires_at", BigInteger),
    Index(None, "licensee", "property"),
)

sku: Final = Table(
    "ip_sku",
    metadata,
    _licensee(),
    Column("gtin", String(14), primary_key=True),
    Column("agreement", String, nullable=False),
    Column("property", String, nullable=False),
    Column("name", String, nullable=False),
    Column("category", String, nullable=False),
    Column("state", String, nullable=False),
    Column("concept_approved", Boolean, nullable=False),
    Column("edition_size", BigInteger),
    Column("units_made", BigInteger, nullable=False),
    Column("units_sold", BigInteger, nullable=False),
)

contest: Final = Table(
    "ip_contest",
    metadata,
    _licensee(),
    Column("code", String, primary_key=True),
    Column("activation", String, nullable=False),
    Column("kind", String, nullable=False, comment="vote or quiz"),
    Column("name", String, nullable=False),
    Column("options", JSON, nullable=False, comment="[{id, name}, …]"),
    Column("opens_at", BigInteger, nullable=False),
    Column("closes_at", BigInteger, nullable=False),
    Column("per_member", Integer),
    Column("per_day", Integer),
    Column("correct", String, comment="A quiz's answer, once it is settled."),
)

ballot: Final = Table(
    "ip_ballot",
    metadata,
    _licensee(),
    Column("contest", String, primary_key=True),
    # As for draws: one entry, one ballot.
    Column("entry_ref", String, primary_key=True),
    Column("participant", String, nullable=False, comment="Pseudonym of a unionid; empty once erased."),
    Column("choice", String, nullable=False),
    Column("cast_at", BigInteger, nullable=False),
    Index(None, "licensee", "participant", "contest"),
)

activation_move: Final = Table(
    "ip_activation_move",
    metadata,
    _licensee(),
    # Who asks under the same key asks about the same move.
    Column("key", String, primary_key=True),
    Column("activation", String, nullable=False),
    Column("source", String, nullable=False),
    Column("target", String, nullable=False),
    Column("user", String, nullable=False, comment="A principal's id, of the brand's staff."),
    Column("moved_at", BigInteger, nullable=False),
    Index(None, "licensee", "activation"),
)

drop: Final = Table(
    "ip_drop",
    metadata,
    _licensee(),
    Column("code", String, primary_key=True),
    Column("gtin", String(14), nullable=False),
    Column("activation", String, nullable=False),
    Column("name", String, nullable=False),
    Column("queue_mode", String, nullable=False, comment="fcfs or raffle"),
    Column("opens_at", BigInteger, nullable=False),
    Column("closes_at", BigInteger, nullable=False),
    Column("stock_total", BigInteger, nullable=False),
    Column("per_member", Integer, nullable=False),
    Column("needs_phone", Boolean, nullable=False, info={"not_personal": "a rule of the sale, of nobody's phone"}),
    Column("member_days", Integer, nullable=False),
    Column("drawn_at", BigInteger, comment="When a raffle was drawn; an import leaves it as it is."),
    Index(None, "licensee", "activation"),
)

drop_entry: Final = Table(
    "ip_drop_entry",
    metadata,
    _licensee(),
    Column("drop", String, primary_key=True),
    # As for draws: one entry, one place.
    Column("entry_ref", String, primary_key=True),
    Column("participant", String, nullable=False, comment="Pseudonym of a unionid; empty once erased."),
    Column("state", String, nullable=False, comment="entered, won, lost or withdrawn"),
    Column("entered_at", BigInteger, nullable=False),
    Index(None, "licensee", "participant", "drop"),
    Index(None, "licensee", "drop", "state"),
)

reward: Final = Table(
    "ip_reward",
    metadata,
    _licensee(),
    Column("id", String, primary_key=True),
    Column("card_set", String, nullable=False, comment="The activation's code."),
    Column("participant", String, nullable=False, comment="Pseudonym of a unionid; empty once erased."),
    Column("prize", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("state", String, nullable=False, comment="reserved, claimed or expired"),
    Column("reserved_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("claimed_at", BigInteger),
    # Whoever pays names the payout: the same name again is the same claim.
    Column("payout", String),
    Index(None, "licensee", "participant"),
    Index(None, "licensee", "card_set", "prize", "state"),
    Index(None, "licensee", "state", "expires_at"),
)

asset_grant: Final = Table(
    "ip_asset_grant",
    metadata,
    _licensee(),
    # What is printed into the file: it must lead back to one download.
    Column("watermark", String, primary_key=True),
    Column("asset", String, nullable=False),
    Column("rendition", String, nullable=False),
    Column("agreement", String),
    Column("gtin", String(14)),
    Column("user", String, nullable=False, comment="A principal's id, of the brand's staff or a partner."),
    Column("purpose", String, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("url_expires_at", BigInteger, nullable=False),
    Index(None, "licensee", "asset"),
)

draw: Final = Table(
    "ip_draw",
    metadata,
    _licensee(),
    Column("card_set", String, primary_key=True, comment="The activation's code."),
    # One entry draws once, whoever holds it: keyed by member, a retry would give cards without end.
    Column("entry_ref", String, primary_key=True),
    Column("participant", String, nullable=False, comment="Pseudonym of a unionid; empty once erased."),
    Column("card", String, nullable=False),
    Column("drawn_at", BigInteger, nullable=False),
    Index(None, "licensee", "participant", "card_set"),
    Index(None, "licensee", "card_set", "card"),
)
