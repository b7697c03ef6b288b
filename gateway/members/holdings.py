"""What is kept of people, table by table: why, how long, who sees it, and what erasure does to it.

Every table has an entry; ``make check`` names those that lack one. Erasure, access reports and docs/data-protection.md
are made from these entries, so that a table cannot be forgotten by one of them. The order is that of erasure: what
refers to a row goes before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, MetaData, String, Table, and_, cast, exists, or_

from gateway.database.tables import (
    audiences,
    bulk,
    contacts,
    dimensions,
    facts,
    files,
    followers,
    inbox,
    jobs,
    keys,
    labels,
    ledger,
    members,
    privacy,
    projections,
    quotas,
    reach,
    reconciliation,
    refunds,
    rewards,
    sagas,
    sharing,
    stock,
    webhooks,
)
from gateway.database.types import Encrypted, EncryptedJson, KeyedHash
from gateway.members.person import Person, among

Of = Callable[[Person], Sequence[ColumnElement[bool]]]


class Erase(StrEnum):
    """What erasure does to a person's rows of a table."""

    DELETE = "DELETE"
    #: Moved to ``sealed_record`` without what leads to the person, until the term of its class ends.
    SEAL = "SEAL"
    #: Every value is taken out; the empty row stays, so that its id goes on meaning "erased".
    EMPTY = "EMPTY"
    #: The person's ids are replaced by one random text that is kept nowhere else.
    UNLINK = "UNLINK"
    KEEP = "KEEP"


class Ground(StrEnum):
    """Legal grounds, 个人信息保护法 art. 13."""

    CONTRACT = "contract with the member, art. 13(1)(2)"
    CONSENT = "consent, art. 13(1)(1)"
    DUTY = "statutory duty, art. 13(1)(3)"
    NONE = "no personal data of shoppers"


class RecordClass(StrEnum):
    """Classes of records that law makes a retailer keep, each with its own term."""

    TRANSACTION = "TRANSACTION"
    ACCOUNTING = "ACCOUNTING"


@dataclass(frozen=True, slots=True)
class Sealing:
    """How a row is sealed: its class, the instant that its term counts from, and what is left out of the record."""

    record_class: RecordClass
    since: Sequence[str]
    drop: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One table. ``of`` finds a person's rows; tables without people have none. ``why`` is for KEEP."""

    table: Table
    title: str
    what: str
    purpose: str
    ground: Ground
    kept: str
    seen_by: str = "-"
    erase: Erase = Erase.KEEP
    of: Of | None = None
    why: str = ""
    sealing: Sealing | None = None
    people: bool = True
    #: Columns that an access report leaves out, and why nobody misses them.
    unreported: frozenset[str] = field(default_factory=frozenset)


def _members(column: Any) -> Of:
    return lambda person: among(column, person.members)


def _identities(column: Any) -> Of:
    return lambda person: among(column, [*person.identities, *person.claims])


def _either(member: Any, identity: Any) -> Of:
    return lambda person: [*among(member, person.members), *among(identity, [*person.identities, *person.claims])]


def _purchases(column: Any) -> Of:
    return lambda person: among(column, person.purchases)


def _handles(person: Person) -> Sequence[ColumnElement[bool]]:
    table = members.identity
    return [*among(table.c.member, person.members), *among(table.c.id, person.claims)]


def _links(person: Person) -> Sequence[ColumnElement[bool]]:
    link = members.identity_link
    theirs = [*person.identities, *person.claims]
    return [*among(link.c.a, theirs), *among(link.c.b, theirs)]


def _cases(person: Person) -> Sequence[ColumnElement[bool]]:
    """Cases list ids in JSON; ids are unique texts, and cases are few."""
    case = members.review_case
    named = [(case.c.members, each) for each in person.members] + [
        (case.c.evidence, each) for each in person.identities
    ]
    return [cast(column, String).contains(each, autoescape=True) for column, each in named]


def _leads(person: Person) -> Sequence[ColumnElement[bool]]:
    return among(projections.lead.c.phone_hash, person.phone_hashes)


def _payments(person: Person) -> Sequence[ColumnElement[bool]]:
    """Their own payments; those for somebody else's order only lose the payer (see ``erasure``)."""
    pay = projections.payment
    return [
        and_(where, or_(pay.c.purchase.is_(None), *among(pay.c.purchase, person.purchases)))
        for where in among(pay.c.identity, person.identities)
    ]


def _refunds(person: Person) -> Sequence[ColumnElement[bool]]:
    """Those of their own payments."""
    back, pay = projections.refund, projections.payment
    return [
        exists().where(pay.c.mchid == back.c.mchid, pay.c.out_trade_no == back.c.out_trade_no, where)
        for where in _payments(person)
    ]


def _shared(table: Any) -> Of:
    """Parts of their own payments."""
    pay = projections.payment
    return lambda person: [
        exists().where(pay.c.mchid == table.c.mchid, pay.c.out_trade_no == table.c.out_trade_no, where)
        for where in _payments(person)
    ]


def _claims(person: Person) -> Sequence[ColumnElement[bool]]:
    """Idempotency scopes are ``caller:identity``."""
    scope = sagas.idempotency.c.principal
    return [scope.endswith(f":{each}", autoescape=True) for each in person.identities]


def _sagas(column: Any) -> Of:
    return lambda person: among(column, person.sagas)


_STAFF = "staff by scope members:read, masked without pii:read"
_SELF = f"the shopper; {_STAFF}"
_RELATION = "while the person is a member; deleted on erasure"
_WITH_ORDER = "with its order"
_INTERNAL = "nobody; the gateway itself"
_IDENTIFYING = frozenset({"identity", "receiver", "pickup_code", "tracking", "carrier", "scene", "saga", "as_of"})

HOLDINGS: Final[tuple[Holding, ...]] = (
    # What refers to others comes first.
    Holding(
        table=members.session,
        title="会话 sessions",
        what="hash of a login token, mini-program",
        purpose="login",
        ground=Ground.CONTRACT,
        kept="2 hours, then deleted within a day",
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=_identities(members.session.c.identity),
        unreported=frozenset({"token_hash"}),
    ),
    Holding(
        table=members.phone_proof,
        title="手机号验证 phone proofs",
        what="a phone number that WeChat has just proved",
        purpose="a repeated call gets its answer",
        ground=Ground.CONTRACT,
        kept="some minutes, then deleted within a day",
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=_identities(members.phone_proof.c.identity),
        unreported=frozenset({"code_hash"}),
    ),
    Holding(
        table=members.profile_claim,
        title="资料来源 profile claims",
        what="name, phone, gender, birthday, city as each platform said it",
        purpose="membership",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(members.profile_claim.c.identity),
    ),
    Holding(
        table=members.identity_link,
        title="身份关联证据 evidence of links",
        what="which handles were shown together",
        purpose="one member for one person",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_links,
    ),
    Holding(
        table=members.review_case,
        title="人工核验 review cases",
        what="our ids of members who may be one person",
        purpose="correctness of the profile (art. 46)",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by="staff",
        erase=Erase.DELETE,
        of=_cases,
        unreported=frozenset({"dedupe_key", "members", "evidence"}),
    ),
    Holding(
        table=ledger.points_entry,
        title="积分流水 points",
        what="changes of points with their reason",
        purpose="membership",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_either(ledger.points_entry.c.member, ledger.points_entry.c.identity),
        unreported=frozenset({"source_key"}),
    ),
    Holding(
        table=ledger.level_entry,
        title="等级流水 levels",
        what="changes of the level with their reason",
        purpose="membership",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_either(ledger.level_entry.c.member, ledger.level_entry.c.identity),
        unreported=frozenset({"source_key"}),
    ),
    Holding(
        table=ledger.identity_total,
        title="累计 totals per handle",
        what="orders, spend and refunds by month and tool",
        purpose="membership; search by staff",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(ledger.identity_total.c.identity),
    ),
    Holding(
        table=ledger.member_total,
        title="累计 totals per member",
        what="the same, of what names no handle",
        purpose="membership; search by staff",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_members(ledger.member_total.c.member),
    ),
    Holding(
        table=members.consent,
        title="同意记录 consents",
        what="purpose, answer, policy version, channel, proof",
        purpose="proof of consent and withdrawal (art. 14–16)",
        ground=Ground.DUTY,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_members(members.consent.c.member),
    ),
    Holding(
        table=reach.minor,
        title="未成年人标记 minors",
        what="that staff know the member to be under 14",
        purpose="rules for minors (art. 31)",
        ground=Ground.DUTY,
        kept=_RELATION,
        seen_by="staff by scope members:read",
        erase=Erase.DELETE,
        of=_members(reach.minor.c.member),
    ),
    Holding(
        table=reach.send_attempt,
        title="触达记录 send attempts",
        what="what was to be sent on which channel, and whether the gate allowed it",
        purpose="consent and frequency caps",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_members(reach.send_attempt.c.member),
    ),
    Holding(
        table=reach.send_turn,
        title="触达次序 send turns",
        what="our own id of a member, for writers to take turns",
        purpose="consent and frequency caps",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=_members(reach.send_turn.c.member),
    ),
    Holding(
        table=webhooks.webhook_delivery,
        title="推送记录 webhook deliveries",
        what="which event of the member was sent to which endpoint, and how that went; no content",
        purpose="telling systems of the brand and its partners what happened",
        ground=Ground.CONTRACT,
        kept="30 days (`webhooks.delivery_days`)",
        seen_by="the endpoint's owner; staff by scope operations",
        erase=Erase.DELETE,
        of=_members(webhooks.webhook_delivery.c.member),
        unreported=frozenset({"entity", "job", "event_tx", "event_seq"}),
    ),
    Holding(
        table=reach.subscribe_grant,
        title="订阅消息授权 subscribe grants",
        what="how many subscribe messages may still be sent",
        purpose="service messages",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(reach.subscribe_grant.c.identity),
    ),
    Holding(
        table=reach.subscribe_answer,
        title="订阅消息回答 subscribe answers",
        what="what the shopper answered to which template",
        purpose="service messages",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(reach.subscribe_answer.c.identity),
    ),
    Holding(
        table=projections.dialogue,
        title="公众号互动 dialogues",
        what="when the follower last wrote, tapped or scanned; never what",
        purpose="the 48 hours in which the account may answer",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_identities(projections.dialogue.c.identity),
    ),
    Holding(
        table=labels.member_label,
        title="检索标签 labels",
        what="tags, guides and stores that a member is found by",
        purpose="search by staff",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_members(labels.member_label.c.member),
    ),
    Holding(
        table=labels.member_activity,
        title="最近活跃 activity",
        what="when the member was last active",
        purpose="search by staff",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_members(labels.member_activity.c.member),
    ),
    Holding(
        table=projections.follower,
        title="公众号关注 followers",
        what="follows, scene, the account's remark, tags, its blacklist",
        purpose="service messages",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=f"{_STAFF}; the remark: staff only",
        erase=Erase.DELETE,
        of=_identities(projections.follower.c.identity),
    ),
    Holding(
        table=projections.membership_card,
        title="会员卡 membership cards",
        what="grade, growth, points",
        purpose="membership",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(projections.membership_card.c.identity),
    ),
    Holding(
        table=projections.coupon,
        title="优惠券 coupons",
        what="coupons in the member's hands",
        purpose="offers",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(projections.coupon.c.identity),
    ),
    Holding(
        table=projections.cash_coupon,
        title="代金券 cash coupons",
        what="cash coupons that the gateway gave, and when each was used",
        purpose="offers",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(projections.cash_coupon.c.identity),
    ),
    Holding(
        table=stock.coupon_lock,
        title="优惠券占用 coupon locks",
        what="which order holds which coupon",
        purpose="no coupon is used twice",
        ground=Ground.CONTRACT,
        kept=_WITH_ORDER,
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=_purchases(stock.coupon_lock.c.purchase),
    ),
    Holding(
        table=sagas.order_address,
        title="新收货地址 new addresses of orders",
        what="where an order of the store is to go instead: name, phone, address",
        purpose="selling",
        ground=Ground.CONTRACT,
        kept="until the platform has it; else a day, then deleted within another",
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=_purchases(sagas.order_address.c.purchase),
    ),
    Holding(
        table=projections.contact,
        title="企业微信客户 contacts",
        what="guide, name, the guide's remark, tags",
        purpose="advice by a guide",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by=f"{_STAFF}; the remark: staff only",
        erase=Erase.DELETE,
        of=_identities(projections.contact.c.identity),
    ),
    Holding(
        table=audiences.audience_person,
        title="人群包成员 people in audiences",
        what="which audience of which ad account the member was handed over to, by which of their names",
        purpose="ads for this person, as long as they allow it",
        ground=Ground.CONSENT,
        kept="until the consent is withdrawn; taken out at the platform and deleted on erasure",
        seen_by="headquarters as numbers, by scope ads:read",
        erase=Erase.DELETE,
        of=_either(audiences.audience_person.c.member, audiences.audience_person.c.identity),
        unreported=frozenset({"upload"}),
    ),
    Holding(
        table=contacts.handover,
        title="客户继承 handovers",
        what="from which guide to which, when, and whether the customer refused",
        purpose="advice by a guide, also after one has left",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by="headquarters by scope members:write, masked without pii:read",
        erase=Erase.DELETE,
        of=_identities(contacts.handover.c.identity),
    ),
    Holding(
        table=contacts.group_send_target,
        title="企业群发客户 customers of group sends",
        what="which group sends a guide was asked to send, and whether they arrived",
        purpose="knowing whom a message of the brand's has reached",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by="headquarters by scope messages:send, masked without pii:read",
        erase=Erase.DELETE,
        of=_identities(contacts.group_send_target.c.identity),
    ),
    Holding(
        table=contacts.group_send_refusal,
        title="企业群发未获许可 left out of group sends",
        what="which group sends did not go to the person, and why",
        purpose="proof that a refusal was respected",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by="headquarters by scope messages:send, masked without pii:read",
        erase=Erase.DELETE,
        of=_members(contacts.group_send_refusal.c.member),
    ),
    Holding(
        table=projections.customer_group_member,
        title="客户群成员 group members",
        what="which customer groups, since when, by which code",
        purpose="advice by a guide",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_identities(projections.customer_group_member.c.identity),
    ),
    Holding(
        table=projections.ad_click,
        title="广告点击 ad clicks",
        what="clicks that the ad platform claims",
        purpose="measuring advertisements",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_identities(projections.ad_click.c.identity),
    ),
    Holding(
        table=projections.lead,
        title="线索 leads",
        what="name and phone that a form of an ad asked for",
        purpose="answering a request",
        ground=Ground.CONSENT,
        kept=_RELATION,
        seen_by=_STAFF,
        erase=Erase.DELETE,
        of=_leads,
    ),
    Holding(
        table=projections.stored_file,
        title="会员文件 files",
        what="names and sizes of the member's files",
        purpose="invoices, pictures of the member",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_identities(projections.stored_file.c.identity),
    ),
    Holding(
        table=files.file_ledger,
        title="文件台账 ledger of files",
        what="purpose, size and type of files that were uploaded for the member, and who asked",
        purpose="invoices, pictures of the member",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_members(files.file_ledger.c.member),
        unreported=frozenset({"grant"}),
    ),
    Holding(
        table=projections.purchase_line,
        title="订单明细 order lines",
        what="goods, quantity, price",
        purpose="selling",
        ground=Ground.CONTRACT,
        kept=_WITH_ORDER,
        seen_by=_SELF,
        erase=Erase.SEAL,
        of=_purchases(projections.purchase_line.c.purchase),
        sealing=Sealing(RecordClass.TRANSACTION, (), frozenset()),
    ),
    Holding(
        table=projections.after_sale,
        title="售后 after-sales",
        what="goods, reason, refund",
        purpose="selling",
        ground=Ground.CONTRACT,
        kept=_WITH_ORDER,
        seen_by=_SELF,
        erase=Erase.SEAL,
        of=_purchases(projections.after_sale.c.purchase),
        sealing=Sealing(RecordClass.TRANSACTION, ("updated_at",), frozenset({"as_of"})),
    ),
    Holding(
        table=projections.refund,
        title="退款 refunds",
        what="amount, state, numbers",
        purpose="selling; accounts",
        ground=Ground.DUTY,
        kept=_WITH_ORDER,
        seen_by=_STAFF,
        erase=Erase.SEAL,
        of=_refunds,
        sealing=Sealing(RecordClass.ACCOUNTING, ("succeeded_at", "as_of"), frozenset({"as_of"})),
    ),
    Holding(
        table=rewards.red_packet,
        title="红包 red packets",
        what="amount, state, what it was for, numbers",
        purpose="offers; accounts",
        ground=Ground.DUTY,
        kept=_WITH_ORDER,
        seen_by=_SELF,
        erase=Erase.SEAL,
        of=_identities(rewards.red_packet.c.identity),
        sealing=Sealing(RecordClass.ACCOUNTING, ("settled_at", "asked_at"), frozenset({"identity", "package"})),
        unreported=frozenset({"package"}),
    ),
    Holding(
        table=refunds.refund_card,
        title="退款银行卡 bank cards of refunds",
        what="bank, card number and holder, given by whoever paid, for a refund that their account does not take",
        purpose="giving the money back",
        ground=Ground.CONTRACT,
        kept="until the platform has it or has refused it; else a day, then deleted within another",
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=_members(refunds.refund_card.c.member),
        unreported=frozenset({"card"}),
    ),
    Holding(
        table=sharing.profit_share,
        title="分账 shares of payments",
        what="which merchant got how much of a payment, state, numbers",
        purpose="accounts",
        ground=Ground.DUTY,
        kept=_WITH_ORDER,
        seen_by="headquarters by scope shares:write",
        erase=Erase.SEAL,
        of=_shared(sharing.profit_share),
        sealing=Sealing(RecordClass.ACCOUNTING, ("settled_at", "asked_at"), frozenset()),
    ),
    Holding(
        table=sharing.profit_share_return,
        title="分账回退 returns of shares",
        what="which merchant gave how much of a payment back, state, numbers",
        purpose="accounts",
        ground=Ground.DUTY,
        kept=_WITH_ORDER,
        seen_by="headquarters by scope shares:write",
        erase=Erase.SEAL,
        of=_shared(sharing.profit_share_return),
        sealing=Sealing(RecordClass.ACCOUNTING, ("settled_at", "asked_at"), frozenset()),
    ),
    Holding(
        table=projections.payment,
        title="支付 payments",
        what="payer, amount, state, numbers",
        purpose="selling; accounts",
        ground=Ground.DUTY,
        kept=_WITH_ORDER,
        seen_by=_SELF,
        erase=Erase.SEAL,
        of=_payments,
        sealing=Sealing(RecordClass.ACCOUNTING, ("at",), frozenset({"identity", "as_of"})),
    ),
    Holding(
        table=projections.purchase,
        title="订单 orders",
        what="buyer, amounts, store, guide, receiver's name and city, pick-up code, tracking number",
        purpose="selling",
        ground=Ground.CONTRACT,
        kept="while the person is a member; sealed on erasure",
        seen_by=_SELF,
        erase=Erase.SEAL,
        of=_purchases(projections.purchase.c.id),
        sealing=Sealing(RecordClass.TRANSACTION, ("updated_at",), _IDENTIFYING),
    ),
    Holding(
        table=sagas.idempotency,
        title="幂等记录 idempotency records",
        what="which request was answered how",
        purpose="no purchase twice",
        ground=Ground.CONTRACT,
        kept="7 days",
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=_claims,
        unreported=frozenset({"input_hash", "principal"}),
    ),
    Holding(
        table=sagas.saga_step,
        title="交易步骤 steps of transactions",
        what="what was sent to a platform, the payer's openid in it",
        purpose="all of a purchase or none of it",
        ground=Ground.CONTRACT,
        kept=_WITH_ORDER,
        seen_by="operators, without the content",
        erase=Erase.DELETE,
        of=_sagas(sagas.saga_step.c.saga_id),
    ),
    Holding(
        table=sagas.saga,
        title="交易 transactions",
        what="state, order number",
        purpose="all of a purchase or none of it",
        ground=Ground.CONTRACT,
        kept=_WITH_ORDER,
        seen_by="the shopper; operators",
        erase=Erase.DELETE,
        of=_sagas(sagas.saga.c.id),
    ),
    Holding(
        table=inbox.inbox,
        title="平台通知 webhooks",
        what="notifications of the platforms as they came, openids in them",
        purpose="keeping what is known in step with the platforms",
        ground=Ground.CONTRACT,
        kept="`privacy.webhook_days`, unreadable ones `privacy.parked_webhook_days`",
        seen_by=_INTERNAL,
        erase=Erase.DELETE,
        of=lambda person: among(inbox.inbox.c.id, person.webhooks),
        unreported=frozenset({"dedupe_key", "entity"}),
    ),
    Holding(
        table=jobs.job,
        title="任务 jobs",
        what="what is still to be done, ids of members and orders in it",
        purpose="nothing is lost when a process dies",
        ground=Ground.CONTRACT,
        kept="content until done; the row `privacy.job_days`",
        seen_by="operators, without the content",
        erase=Erase.DELETE,
        of=lambda person: among(jobs.job.c.id, person.jobs),
        unreported=frozenset({"key", "entity", "worker", "lease_until"}),
    ),
    Holding(
        table=privacy.access_report,
        title="查阅报告 access reports",
        what="a copy of all of this",
        purpose="right of access and of a copy (art. 45)",
        ground=Ground.DUTY,
        kept="`privacy.report_days`",
        seen_by="the shopper; staff by scope privacy",
        erase=Erase.DELETE,
        of=_members(privacy.access_report.c.member),
        unreported=frozenset({"document"}),
    ),
    Holding(
        table=facts.fact,
        title="事实日志 fact log",
        what="what happened when, by our own ids, without content",
        purpose="the member's timeline; statistics",
        ground=Ground.CONTRACT,
        kept="while the person is a member; afterwards without a tie to the person",
        seen_by=_SELF,
        erase=Erase.UNLINK,
        of=_either(facts.fact.c.member, facts.fact.c.identity),
        unreported=frozenset({"source_key", "seq", "tx"}),
    ),
    Holding(
        table=members.identity,
        title="身份标识 identities",
        what="openid, unionid, external_userid, phone, card number",
        purpose="one member for one person",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.DELETE,
        of=_handles,
        unreported=frozenset({"value_hash"}),
    ),
    Holding(
        table=members.member,
        title="会员档案 members",
        what="name, phone, gender, birthday, city, level, dates",
        purpose="membership",
        ground=Ground.CONTRACT,
        kept=_RELATION,
        seen_by=_SELF,
        erase=Erase.EMPTY,
        of=_members(members.member.c.id),
        unreported=frozenset(
            {
                "name_hash",
                "name_first_hash",
                "name_second_hash",
                "name_third_hash",
                "phone_hash",
                "phone_tail_hash",
            }
        ),
    ),
    # Kept by erasure, and why.
    Holding(
        table=keys.data_key,
        title="数据密钥 data keys",
        what="a key per member, wrapped by the master key",
        purpose="encryption and erasure (art. 51)",
        ground=Ground.DUTY,
        kept="destroyed on erasure",
        seen_by=_INTERNAL,
        why="The empty row proves that the key is destroyed, and keeps a new one from being made.",
    ),
    Holding(
        table=privacy.erasure,
        title="删除记录 erasures",
        what="our own id of the erased member, counts, dates",
        purpose="proof of deletion (art. 47)",
        ground=Ground.DUTY,
        kept="for good",
        seen_by="staff by scope privacy",
        why="It holds no personal data, and proves to the person and to authorities what was done.",
    ),
    Holding(
        table=privacy.erased_handle,
        title="已删除标识 erased handles",
        what="keyed hashes of erased openids and the like",
        purpose="platforms tell again of the past; it must not come back",
        ground=Ground.DUTY,
        kept="`privacy.erased_handle_years`",
        seen_by=_INTERNAL,
        why="It says that somebody with this handle was erased, and is tied to no other row.",
    ),
    Holding(
        table=privacy.sealed_record,
        title="封存记录 sealed records",
        what="orders, after-sales, payments and refunds without their person",
        purpose="duties to keep (电子商务法 art. 31, 会计档案管理办法)",
        ground=Ground.DUTY,
        kept="`privacy.transaction_years` or `privacy.accounting_years`",
        seen_by="an operator by command, for an authority or an auditor",
        why="Law makes a retailer keep it; it names nobody, and is deleted when its term ends.",
    ),
    Holding(
        table=dimensions.guide,
        title="导购 guides",
        what="names of employees",
        purpose="who advises",
        ground=Ground.CONTRACT,
        kept="while facts name the guide",
        seen_by="shoppers whom they advise; staff",
        why="It is about employees and not about shoppers.",
    ),
    Holding(
        table=members.guide_session,
        title="导购会话 sessions of guides",
        what="hash of a guide's login token",
        purpose="login",
        ground=Ground.CONTRACT,
        kept="2 hours, then deleted within a day",
        seen_by=_INTERNAL,
        why="It is about employees and not about shoppers.",
    ),
    Holding(
        table=contacts.app_message,
        title="应用消息 app messages",
        what="which guides were sent a card, whether it still stands, the right to change its buttons",
        purpose="taking a card back, and saying that its task is done",
        ground=Ground.CONTRACT,
        kept="4 days, then deleted within one",
        seen_by=_INTERNAL,
        why="It is about employees and not about shoppers.",
    ),
    Holding(
        table=webhooks.webhook_endpoint,
        title="推送端点 webhook endpoints",
        what="addresses of integrators' systems, their signing secrets, what they are told",
        purpose="telling systems of the brand and its partners what happened",
        ground=Ground.NONE,
        kept="until its owner deletes it",
        seen_by="the endpoint's owner; staff by scope operations; secrets by nobody",
        why="It is about the systems of integrators.",
    ),
    Holding(
        table=keys.secret,
        title="平台凭证 credentials",
        what="tokens of the platforms",
        purpose="asking the platforms",
        ground=Ground.NONE,
        kept="until replaced",
        seen_by=_INTERNAL,
        why="It is about the brand's own accounts.",
    ),
)


def _without_people(table: Table, title: str, what: str) -> Holding:
    return Holding(
        table=table, title=title, what=what, purpose="running the shop", ground=Ground.NONE,
        kept="as long as it is of use", why="It is about no person.",
    )  # fmt: skip


#: Tables that hold nothing of people.
IMPERSONAL: Final[tuple[Holding, ...]] = (
    _without_people(
        sharing.profit_receiver, "分账接收方 receivers of shares", "merchants that may get parts of payments"
    ),
    _without_people(dimensions.store, "门店 stores", "stores with their history"),
    _without_people(dimensions.guide_store, "导购门店 guides' stores", "which guide works where"),
    _without_people(dimensions.sku, "商品 skus", "goods with their history"),
    _without_people(dimensions.account, "账号 accounts", "the brand's accounts at the platforms"),
    _without_people(dimensions.campaign, "营销活动 campaigns", "campaigns with their window"),
    _without_people(
        followers.scene_code, "带参数二维码 scene codes", "QR codes of official accounts, and their scenes"
    ),
    _without_people(files.mini_program_code, "小程序码 mini-program codes", "codes that open a page, and their scenes"),
    _without_people(files.medium, "素材 media", "what platforms hold of the brand's own files"),
    _without_people(followers.publication, "发布 publications", "drafts that became articles, and how that went"),
    _without_people(followers.mass_message, "群发 mass messages", "mass messages of official accounts, and how many"),
    _without_people(projections.follower_tag, "公众号标签 tags", "tags of the official account"),
    _without_people(projections.product, "小店商品 products", "goods at the store"),
    _without_people(projections.product_draft, "小店商品草稿 drafts", "drafts of goods at the store, and their audits"),
    _without_people(projections.offer, "小店规格 offers", "prices and stock at the store"),
    _without_people(projections.contact_tag, "企业标签 tags", "tags of the corporation"),
    _without_people(projections.department, "部门 departments", "the corp's departments"),
    _without_people(projections.customer_group, "客户群 groups", "names and sizes of customer groups"),
    _without_people(contacts.contact_way, "联系我 contact ways", "codes of guides, and the channel of each"),
    _without_people(contacts.join_way, "加入群聊 join ways", "codes of customer groups, and the channel of each"),
    _without_people(contacts.group_welcome, "入群欢迎语 group welcomes", "what groups greet whoever joins with"),
    _without_people(contacts.group_send, "企业群发 group sends", "what guides were asked to send, and how it stands"),
    _without_people(
        contacts.group_send_sender, "企业群发导购 guides of group sends", "which guides confirmed, and when"
    ),
    _without_people(projections.ad, "广告 ads", "ads"),
    _without_people(projections.ad_report, "广告数据 reports", "impressions, clicks and cost by day"),
    _without_people(projections.sync_state, "同步进度 sync", "how far each stream has been read"),
    _without_people(quotas.call_count, "调用次数 call counts", "calls taken from the platforms' allowances"),
    _without_people(stock.stock, "库存 stock", "pieces by location"),
    _without_people(stock.store_stock, "渠道库存 store stock", "up to when a shop's sales are entered"),
    _without_people(stock.store_allotment, "渠道库存分配 allotments", "pieces that a shop may sell, by location"),
    _without_people(stock.store_stock_change, "渠道库存变更 changes", "pieces given to a shop or taken back"),
    _without_people(
        stock.store_stock_movement,
        "渠道库存流水 movements",
        "what moved a shop's stock, by order number",
    ),
    _without_people(reconciliation.reconciliation, "对账 reconciliations", "which day of which account was compared"),
    _without_people(
        reconciliation.reconciliation_difference,
        "对账差异 differences",
        "numbers and amounts that differ from a platform's bill",
    ),
    _without_people(
        reconciliation.store_funds_flow, "小店资金流水 funds", "a store's own ledger: amounts by order number"
    ),
    _without_people(bulk.import_run, "导入 imports", "which file was imported, and how far"),
    _without_people(
        bulk.export_run, "导出 exports", "what was exported, and how far; the file is sealed, and deleted after hours"
    ),
    _without_people(webhooks.webhook_replay, "推送重放 webhook replays", "which stretch of events was sent once more"),
    _without_people(jobs.recurring_job, "定时任务 recurring jobs", "which period has had its job"),
)

#: Tables that tools keep with metadata of their own. Their adapters erase; see ``erasure``.
OF_TOOLS: Final = {
    "ip_ballot": "投票与竞猜 ballots of votes and quizzes, under the same pseudonym, which erasure empties",
    "ip_asset_grant": "downloads of artwork by staff and partners", "ip_asset": "artwork",
    "ip_sku": "licensed products", "ip_contest": "votes and quizzes", "ip_rights_in": "licences",
    "ip_draw": "抽卡 cards drawn in IP activations, under a keyed pseudonym of the unionid, which erasure empties",
    "ip_catalogue": "licences", "ip_party": "companies", "ip_property": "licensed works", "ip_agreement": "licences",
    "ip_grant": "licences", "ip_reservation": "licences", "ip_activation": "activations",
    "ip_activation_store": "activations", "ip_drop": "limited editions",
    "ip_activation_move": "which staff moved an activation on",
    "ip_drop_entry": "限量发售 places in limited editions, under the same pseudonym, which erasure empties",
    "ip_reward": "集卡奖励 rewards of complete card sets, under the same pseudonym, which erasure empties",
}  # fmt: skip

_REFERENCES = frozenset({"member", "identity", "home", "member_id", "identity_id", "session", "payer", "buyer"})


def undeclared(metadata: MetaData, holdings: Sequence[Holding] = (*HOLDINGS, *IMPERSONAL)) -> list[str]:
    """One sentence per table that is missing here, or is said to be without people and is not."""
    declared = {each.table.name: each for each in holdings}
    found = []
    for table in metadata.sorted_tables:
        holding = declared.get(table.name)
        if holding is None:
            found.append(
                f"table {table.name} has no entry in gateway/members/holdings.py: say what it holds of people, why, "
                "how long, who sees it, and what erasure does to it"
            )
        elif (
            holding.ground is Ground.NONE and (signs := _signs(table)) and not holding.why.startswith("It is about the")
        ):
            found.append(f"table {table.name} is declared to hold nothing of people, but has {', '.join(signs)}")
        elif holding.of is None and holding.erase is not Erase.KEEP:
            found.append(f"table {table.name} is to be erased, but its entry does not say which rows are a person's")
    return found


def _signs(table: Table) -> list[str]:
    """Columns that refer to a person or hold sealed or hashed values."""
    targets = {"member", "identity"}
    return [
        column.name
        for column in table.columns
        if column.name in _REFERENCES
        or isinstance(column.type, Encrypted | EncryptedJson | KeyedHash)
        or any(key.column.table.name in targets for key in column.foreign_keys)
    ]
