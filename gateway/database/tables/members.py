"""Members, the identities that lead to them, and what they allow. Written by ``gateway.members`` alone.

Evidence is kept and never re-pointed: ``identity_link`` says which identities were shown together,
``profile_claim`` what was said of an identity. Which member an identity leads to, and a profile, are derived, so that a
merge can be undone exactly. Rows of a member that hang on no identity (points, consents) keep the id they were written
under; a read takes them from all ids that lead to the member (``merged_into``).
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, UniqueConstraint, text

from gateway.database.schema import metadata
from gateway.database.types import Encrypted, Json, KeyedHash, Long, UtcDateTime

_MERGED = text("merged_into IS NOT NULL")

member = Table(
    "member",
    metadata,
    Column("id", String(36), primary_key=True, comment="UUIDv7"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("joined_at", UtcDateTime, comment="The earliest instant that any platform knows of."),
    Column("updated_at", UtcDateTime, nullable=False),
    Column(
        "merged_into", String(36), comment="Set on the id that lost a merge, straight to the winner; resolves for ever."
    ),
    Column("merged_at", UtcDateTime),
    Column("erased_at", UtcDateTime),
    Column("name", Encrypted, comment="Like all of the profile: the winner of profile_claim."),
    Column("name_source", String),
    Column("name_hash", KeyedHash("name")),
    # Prefix search on a sealed name: keyed hashes of its first one, two and three characters.
    Column("name_first_hash", KeyedHash("name_prefix")),
    Column("name_second_hash", KeyedHash("name_prefix")),
    Column("name_third_hash", KeyedHash("name_prefix")),
    Column("gender", Encrypted),
    Column("gender_source", String),
    Column("birthday", Encrypted),
    Column("birthday_source", String),
    Column("city", Encrypted),
    Column("city_source", String),
    Column("phone", Encrypted),
    Column("phone_hash", KeyedHash("phone")),
    Column("phone_tail_hash", KeyedHash("phone_tail")),
    Column("phone_source", String),
    Column("level", Integer, comment="The platform's grade number; null without a card."),
    Column("growth", Long),
    Column("out_id", String, comment="The brand's own number for the member, from its OUT_ID identity."),
    Index(None, "phone_hash", "id"),
    Index(None, "phone_tail_hash", "id"),
    Index(None, "name_hash", "id"),
    Index(None, "name_first_hash", "id"),
    Index(None, "name_second_hash", "id"),
    Index(None, "name_third_hash", "id"),
    Index(None, "level", "id"),
    # Of those who merged only: SQLite would else take it for those who did not, almost everybody, and sort them all.
    Index(None, "merged_into", sqlite_where=_MERGED, postgresql_where=_MERGED),
    Index(None, "out_id"),
    Index(None, "updated_at", "id"),
    Index(None, "joined_at", "id"),
)

identity = Table(
    "identity",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String, nullable=False),
    Column("issuer", String, nullable=False, comment="appid, Open Platform account, corpid or card programme"),
    Column("value", Encrypted, nullable=False),
    Column("value_hash", KeyedHash("identity"), nullable=False),
    Column(
        "member",
        String(36),
        ForeignKey("member.id"),
        comment="Derived from identity_link; null for a name that was only claimed and leads to nobody.",
    ),
    Column(
        "home",
        String(36),
        ForeignKey("member.id"),
        comment="The member it was created under, whose key seals what hangs on it; only a split changes it.",
    ),
    Column("superseded_by", String(26), comment="The identity that took its place when an account moved."),
    Column("strength", String, nullable=False, comment="How it was shown at best: STRONG, CONDITIONAL, WEAK or NEVER"),
    Column("stands", Boolean, nullable=False, default=True, comment="Somebody's on its own, without any link."),
    Column("seen_at", UtcDateTime, comment="The earliest instant at which a platform showed it."),
    Column("source", String, nullable=False, comment="Where it was seen first: tool.endpoint or own."),
    Column("linked_at", UtcDateTime, nullable=False),
    UniqueConstraint("kind", "issuer", "value_hash"),
    Index(None, "value_hash"),
    Index(None, "member"),
    Index(None, "home"),
)

identity_link = Table(
    "identity_link",
    metadata,
    Column("id", String(26), primary_key=True),
    # a < b, so that a pair shown in either order is one row.
    Column("a", String(26), ForeignKey("identity.id"), nullable=False),
    Column("b", String(26), ForeignKey("identity.id"), nullable=False),
    Column("strength", String, nullable=False, comment="DECIDED, RENAMED, STRONG, CONDITIONAL or WEAK"),
    Column("source", String, nullable=False, comment="tool.endpoint, or own.<mutation>"),
    Column("seen_at", UtcDateTime, nullable=False, comment="The earliest instant at which the pair was shown."),
    Column("decided_by", String, comment="The principal, where a person decided."),
    Column("reason", String),
    Column("retired_at", UtcDateTime, comment="Since then it proves nothing, also when a platform shows it again."),
    Column("retired_by", String),
    Column("retired_reason", String, comment="The mutation that retired it, and why."),
    Column("review_case", String(26), comment="The question that it raises, while the rules refuse it."),
    UniqueConstraint("a", "b", "strength"),
    Index(None, "b"),
    Index(None, "review_case"),
)

profile_claim = Table(
    "profile_claim",
    metadata,
    Column("identity", String(26), ForeignKey("identity.id"), primary_key=True),
    Column("field", String, primary_key=True, comment="name, phone, gender, birthday or city"),
    Column("source", String, primary_key=True, comment="tool.endpoint, or own.<mutation>"),
    Column("value", Encrypted, nullable=False),
    Column("verified", Boolean, nullable=False, comment="A phone that WeChat or a text message proved."),
    Column("seen_at", UtcDateTime, nullable=False),
)

review_case = Table(
    "review_case",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("kind", String, nullable=False),
    Column("members", Json, nullable=False),
    Column("evidence", Json, nullable=False, comment="Identity ids; never their values."),
    Column("state", String, nullable=False, comment="OPEN, DECIDED, or OBSOLETE when the evidence went away"),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("decision", String, comment="SAME_PERSON or DIFFERENT_PEOPLE"),
    Column("decided_at", UtcDateTime),
    Column("decided_by", String),
    Column("reason", String, comment="Theirs who decided."),
    Column("dedupe_key", String, nullable=False, unique=True),
    Index(None, "state", "id"),
)

phone_proof = Table(
    "phone_proof",
    metadata,
    # A platform's code works once: for some minutes we remember what it told, so that a repeated call gets its answer
    # and a shopper may answer a question without another tap.
    Column("code_hash", KeyedHash("phone_code"), primary_key=True),
    Column("identity", String(26), ForeignKey("identity.id"), nullable=False, comment="Of the session that asked."),
    Column("phone", Encrypted, nullable=False),
    Column("proved_at", UtcDateTime, nullable=False),
    Index(None, "proved_at"),
)

consent = Table(
    "consent",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("member", String(36), ForeignKey("member.id"), nullable=False),
    Column("purpose", String, nullable=False),
    Column("given_at", UtcDateTime, nullable=False, comment="When the shopper answered."),
    Column("allowed", String, nullable=False, comment="GIVEN or WITHDRAWN"),
    Column("policy_version", String, nullable=False),
    Column("channel", String, nullable=False, comment="MINI_PROGRAM, STORE, PHONE …"),
    Column("guardian", Boolean, nullable=False, default=False, comment="Whether a guardian answered, or agreed."),
    Column("proof", Encrypted),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String, nullable=False, comment="The principal, or session for the shopper."),
    Column("source_key", KeyedHash("consent.source_key"), nullable=False, unique=True),
    Index(None, "member", "purpose"),
)

guide_session = Table(
    "guide_session",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("token_hash", KeyedHash("guide_session"), nullable=False, unique=True),
    Column("guide", String, nullable=False, comment="corpid:userid"),
    Column("door", String, nullable=False, comment="PAGE or MINI_PROGRAM"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)

session = Table(
    "session",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("token_hash", KeyedHash("session"), nullable=False, unique=True),
    Column("identity", String(26), ForeignKey("identity.id"), nullable=False),
    Column("app", String, nullable=False, comment="appid of the mini-program"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index(None, "expires_at"),
)
