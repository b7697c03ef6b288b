"""Settings: one frozen object, read once at start from a TOML file and the environment.

Nothing else in the project looks at the environment.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from adapters.base.limits import EVERY
from adapters.base.secrets import Secret
from adapters.base.spec import AccountConfig, AnyToolSpec
from adapters.enterprise_chat import (
    LINK_DESCRIPTION_LIMIT_BYTES,
    LINK_TITLE_LIMIT_BYTES,
    MINI_PROGRAM_TITLE_LIMIT_BYTES,
    WELCOME_TEXT_LIMIT_BYTES,
)
from adapters.payments import TRANSFER_NAMED_ALWAYS
from adapters.registry import TOOLS

_HOUR: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_REDIS: Final = ("redis://", "rediss://", "unix://")
LOOPBACK: Final = ("://127.", "://localhost", "://[::1]", ".localhost:")


class SettingsError(Exception):
    """A setting is missing or wrong. ``code`` stands in docs/errors.md."""

    code = "SETTING_INVALID"


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One API key and whom it stands for.

    ``id`` names the caller in logs and idempotency scopes; ``audience`` is frontend, guide, partner or hq.
    """

    id: str
    key: Secret
    audience: Literal["frontend", "guide", "partner", "hq"]
    scopes: frozenset[str] = frozenset()


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one request may ask for."""

    document_bytes: int = 256 * 1024
    body_bytes: int = 1024 * 1024
    webhook_bytes: int = 1024 * 1024
    #: How long a platform may take to send one; they do it at once.
    webhook_seconds: float = 10.0
    tokens: int = 15_000
    depth: int = 15
    aliases: int = 60
    page: int = 100
    #: Seconds that one GraphQL request may take, upstream calls included.
    deadline: float = 8.0
    #: GraphQL requests executed at once; the others wait in the order in which they came.
    running: int = 100


class Checkout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How this brand sells in its mini-programs."""

    #: Alias of the payments account that collects, unless the store is a franchise with its own.
    payments_account: str = "main"
    #: mini_program_store alias of the mini-program that the ads lead to: ad clicks name its openids.
    app: str = "flagship"
    #: mini_program_store alias of the 微信小店 whose catalogue prices the basket.
    catalogue: str = "store"
    #: Minutes until an unpaid order closes.
    expires_minutes: int = 30
    #: fen; free of charge from ``free_freight_from`` on, and for pickup.
    freight: int = 1200
    free_freight_from: int = 19900
    #: https address that the payment platform notifies; without a query. Filled in at start in the sandbox.
    notify_base: str = ""
    #: mchids whose payments declare 分账: their money is frozen until it is shared or unfrozen.
    profit_sharing: tuple[str, ...] = ()


class Reach(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often and when this brand speaks to its members; the platforms' own limits come on top.

    ``quiet_from`` and ``quiet_until`` are HH:MM in Asia/Shanghai; equal ones mean that there are no quiet hours.
    """

    #: Marketing messages to one member in a calendar month, over all channels; 0 sends none.
    monthly_messages: int = 4
    quiet_from: str = "22:00"
    quiet_until: str = "08:00"
    #: What the corp's administrator chose for 客户群发: MONTH is as many as the month has days, WEEK 7, DAY 1.
    group_sends: Literal["MONTH", "WEEK", "DAY"] = "MONTH"


class Rewards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much money the brand gives to members (红包), at most; fen. 0 gives none."""

    #: In one red packet. The platform wants a real name from 2,000 yuan up, which nobody is asked for here.
    most: int = 200_00
    #: To one member on a day of Asia/Shanghai.
    daily: int = 200_00


class WelcomeLink(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link (图文消息) of a welcome."""

    title: str
    url: str
    picture_url: str = ""
    description: str = ""


class WelcomeCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mini-program card (小程序卡片) of a welcome. ``picture`` is the path of a JPG or PNG of 10 MB at most."""

    title: str
    appid: str
    page: str
    picture: str


class Welcome(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a guide's new contact is greeted with (新客户欢迎语); the first that fits is sent."""

    #: Pattern of the state that the code or link carried, such as ``store_*``; ``*`` fits also those without one.
    state: str = "*"
    #: enterprise_chat alias; empty for every corp.
    account: str = ""
    #: With places for {guide} and {store}: where their names are not known, the message does not fit.
    text: str = ""
    link: WelcomeLink | None = None
    mini_program: WelcomeCard | None = None


class Privacy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what is kept of people is kept; docs/data-protection.md gives the grounds."""

    #: Years for which orders and after-sales of an erased member stay sealed (电子商务法 art. 31).
    transaction_years: int = 3
    #: Years for which payments and refunds of an erased member stay sealed (会计档案管理办法).
    accounting_years: int = 30
    #: Years for which it is remembered, as keyed hashes, which handles were erased.
    erased_handle_years: int = 3
    #: Days until an access report is deleted.
    report_days: int = 7
    #: Days until a handled webhook is deleted, and one that nobody could handle.
    webhook_days: int = 30
    parked_webhook_days: int = 90
    #: Days until a job that is done or cancelled is deleted.
    job_days: int = 30


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A member level: the platform's grade number, the brand's name for it, and the growth it begins at."""

    grade: int
    name: str
    growth: int = 0


class PointsRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Points for what was paid from an instant on, until the next rule's."""

    since: datetime
    #: Points per yuan; what is left below a point is dropped, per order.
    per_yuan: int
    #: Days until they lapse; 0 never.
    valid_days: int = 0


_LIMITS: Final = {"UNIONID": 5, "OPENID": 50, "EXTERNAL_USERID": 20, "PHONE": 5, "CARD": 10, "OUT_ID": 5}


class IdentityRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What names nobody, and how many names one person may have."""

    #: Identities of a kind that one person may have; a link beyond it is a question for a person.
    limits: Mapping[str, int] = msgspec.field(default_factory=lambda: dict(_LIMITS))
    #: Values that systems write where they know nothing, in any spelling of case; they link nobody.
    blocked: tuple[str, ...] = (
        "-1", "anonymous", "false", "guest", "n/a", "na", "nan", "nil", "none", "null", "test", "true",
        "undefined", "unknown", "void", "[object object]", "12345678901", "13800138000",
    )  # fmt: skip
    #: People who may show one verified phone; when more do, it proves nothing of any of them.
    people_per_value: int = 5
    #: Links that one identity may have before it is nobody's.
    links_per_identity: int = 500


class Cache(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers of platforms that are kept for a short while (docs/freshness.md)."""

    #: Bytes of this process's memory, where there is no Redis; 0 keeps nothing, in Redis neither.
    bytes: int = 32 * 1024 * 1024
    #: For so long after its lifetime an answer is kept, for ``@staleOk``.
    stale_seconds: float = 3600.0


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls against the platforms' allowances."""

    #: Part of every allowance that sync leaves to calls for which somebody waits.
    interactive_share: float = 0.2


class Exports(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of exports."""

    #: Where they lie, sealed; every process that works the queue or serves downloads must see it.
    folder: str = "var/exports"
    #: After so many hours a file is deleted.
    hours: int = 24


class Subscriptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What subscriptions may keep, and how long they wait."""

    #: Facts kept in memory for all subscribers of a process; who falls further behind is told so and ends.
    backlog: int = 5_000
    #: How many hours back ``after`` may reach.
    replay_hours: int = 24
    #: Seconds between two looks at the log when nothing rings: the longest delay without Redis.
    poll_seconds: float = 2.0
    #: Seconds in which a client must take a message off the wire.
    stall_seconds: float = 10.0
    #: Seconds in which a new socket must send connection_init.
    init_seconds: float = 10.0
    #: Seconds between two comments on a silent SSE stream, which keep proxies from closing it.
    ping_seconds: float = 12.0
    #: Operations at once on one socket, and subscriptions in one process.
    per_connection: int = 100
    open: int = 20_000


class Webhooks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Webhooks out."""

    #: Networks that are sent to although they are not public, such as 10.20.0.0/16.
    allowed_networks: tuple[str, ...] = ()
    #: Seconds that one attempt may take, from the name's resolution to the answer's status.
    timeout: float = 10.0
    #: Attempts until a delivery is parked; the waits between them grow from seconds to half a day.
    attempts: int = 12
    #: Hours of nothing but failures after which an endpoint is disabled.
    disable_hours: int = 72
    #: Events of one endpoint that are under way at once, each of another order, member or the like.
    in_flight: int = 4
    #: Events of one endpoint that are queued at once; the others wait in the fact log.
    window: int = 500
    #: Deliveries that one process makes at once.
    concurrency: int = 64
    #: Endpoints of one API key.
    endpoints: int = 20
    #: Bytes of a payload.
    payload_bytes: int = 256 * 1024
    #: Days until the record of a delivery is deleted.
    delivery_days: int = 30


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration.

    ``tools`` is tool → ``accounts`` → alias → settings of that tool's config type.
    """

    environment: Literal["live", "sandbox"] = "live"
    database_url: str = "sqlite:///var/gateway.db"
    #: Shares cached answers and access tokens among processes, and wakes them when something happened; empty for none.
    redis_url: str = ""
    #: 32 bytes, base64: wraps every data key. Losing it loses all personal data.
    master_key: Secret = Secret("")
    #: Master keys that open data keys besides: the old one while it is replaced, the next one before.
    master_keys_accepted: tuple[Secret, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    #: Address under which the platforms reach /hooks.
    public_url: str = ""
    api_keys: tuple[ApiKey, ...] = ()
    limits: Limits = Limits()
    checkout: Checkout = Checkout()
    reach: Reach = Reach()
    rewards: Rewards = Rewards()
    #: Greetings of new contacts in 企业微信; none without one.
    welcome: tuple[Welcome, ...] = ()
    exports: Exports = Exports()
    cache: Cache = Cache()
    quota: Quota = Quota()
    subscriptions: Subscriptions = Subscriptions()
    webhooks: Webhooks = Webhooks()
    levels: tuple[Level, ...] = ()
    #: Points earned by orders; none without a rule.
    points: tuple[PointsRule, ...] = ()
    privacy: Privacy = Privacy()
    identity: IdentityRules = IdentityRules()
    #: cloud_storage alias of the bucket that holds members' files.
    member_files: str = "members"
    #: cloud_storage alias of the bucket that holds artwork of licensed works.
    artwork: str = "assets"
    #: cloud_storage alias of the bucket that holds pictures of mini-program codes.
    mini_program_codes: str = "assets"
    #: cloud_storage alias of the bucket that holds the brand's own media for messages.
    message_media: str = "assets"
    #: Only in the sandbox: how far the emulated platforms' clock is ahead of the real one.
    clock_offset_seconds: float = 0.0
    #: The brand's Open Platform account (开放平台): the issuer of every unionid.
    open_platform: str = "default"
    #: Path or URL of the ERP's JSON export: stores, campaigns, goods, stock (docs/master-data.md).
    master_data: str = ""
    tools: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}


class Accounts(msgspec.Struct, frozen=True):
    """The typed accounts of one tool: alias → config."""

    spec: AnyToolSpec
    accounts: Mapping[str, AccountConfig]


def load(path: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from a TOML file and ``RETAIL_GATEWAY_*`` variables (upper-case top-level names).

    Raises SettingsError naming the setting.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    if path is not None:
        values = _read(path)
    for name in ("environment", "database_url", "redis_url", "master_key", "host", "port", "public_url"):
        text = environ.get("RETAIL_GATEWAY_" + name.upper())
        if text is not None:
            values[name] = int(text) if name == "port" and text.isdigit() else text
    accepted = environ.get("RETAIL_GATEWAY_MASTER_KEYS_ACCEPTED")
    if accepted is not None:
        values["master_keys_accepted"] = [each.strip() for each in accepted.split(",") if each.strip()]
    return from_mapping(values)


def from_mapping(values: Mapping[str, Any]) -> Settings:
    """Settings from plain values. Raises SettingsError."""
    try:
        settings = msgspec.convert(dict(values), Settings, dec_hook=_decode)
    except msgspec.ValidationError as error:
        raise SettingsError(f"settings: {error}. See docs/settings.md for every name and its type.") from None
    accounts(settings)
    _check(settings)
    return settings


def accounts(settings: Settings) -> dict[str, Accounts]:
    """The configured accounts of every registered tool; a tool without accounts has an empty mapping."""
    known = {spec.name: spec for spec in TOOLS}
    for name in settings.tools:
        if name not in known:
            raise SettingsError(f"tools.{name}: no such tool; the tools are {', '.join(known)}.")
    return {name: Accounts(spec, _accounts(settings, spec)) for name, spec in known.items()}


def _accounts(settings: Settings, spec: AnyToolSpec) -> dict[str, AccountConfig]:
    found: dict[str, AccountConfig] = {}
    for alias, values in settings.tools.get(spec.name, {}).get("accounts", {}).items():
        where = f"tools.{spec.name}.accounts.{alias}"
        try:
            config = msgspec.convert(dict(values), spec.config, dec_hook=_decode)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{where}: {error}. adapters/{spec.name}/README.md lists them.") from None
        _check_account(settings, spec, where, config)
        found[alias] = config
    return found


def _check_account(settings: Settings, spec: AnyToolSpec, where: str, config: AccountConfig) -> None:
    if config.mode != "DIRECT":
        raise SettingsError(
            f"{where}.mode is {config.mode!r}: only DIRECT is supported; service-provider modes"
            " (服务商 sub_mchid, third-party platform, 代开发) are not."
        )
    for endpoint, given in config.limits.items():
        if endpoint not in {*spec.limits, EVERY}:
            known = ", ".join(sorted({*spec.limits, EVERY}))
            raise SettingsError(f"{where}.limits.{endpoint}: no limit of it is known; name one of {known}.")
        if any(calls is not None and calls < 1 for calls in msgspec.structs.astuple(given)):
            raise SettingsError(f"{where}.limits.{endpoint}: give 1 call or more, or leave the limit out.")
    if settings.environment == "live" and any(mark in config.base_url for mark in LOOPBACK):
        raise SettingsError(
            f"{where}.base_url is {config.base_url}: a live profile must not use a sandbox;"
            " remove base_url, or set environment = 'sandbox'."
        )
    if settings.environment == "live" and config.base_url.startswith("http://"):
        raise SettingsError(f"{where}.base_url is {config.base_url}: a live profile speaks https only.")


def _check(settings: Settings) -> None:
    if settings.environment == "live":
        if not settings.master_key:
            raise SettingsError(
                "master_key is missing: 32 random bytes in base64, as RETAIL_GATEWAY_MASTER_KEY or in the"
                " settings file; make one with `retail-gateway keys new`."
            )
        if settings.clock_offset_seconds:
            raise SettingsError("clock_offset_seconds is for environment = 'sandbox' only; remove it.")
        _check_notify(settings)
    for field in msgspec.structs.fields(Privacy):
        if getattr(settings.privacy, field.name) < 1:
            raise SettingsError(f"privacy.{field.name} is less than 1: give a term, however short.")
    if not 0 <= settings.port <= 65535:
        raise SettingsError(f"port is {settings.port}: it must be between 1 and 65535, or 0 for a free one.")
    if settings.redis_url and not settings.redis_url.startswith(_REDIS):
        raise SettingsError(f"redis_url does not begin with one of {', '.join(_REDIS)}; give redis://host:6379/0.")
    if settings.cache.bytes < 0 or settings.cache.stale_seconds < 0:
        raise SettingsError("cache.bytes and cache.stale_seconds must be 0 or more.")
    if not 0 <= settings.quota.interactive_share < 1:
        raise SettingsError(
            f"quota.interactive_share is {settings.quota.interactive_share}: give 0 or more, and less than 1."
        )
    _check_reach(settings.reach)
    if not 0 <= settings.rewards.most < TRANSFER_NAMED_ALWAYS or settings.rewards.daily < 0:
        raise SettingsError(
            f"rewards.most must be 0 or more and below {TRANSFER_NAMED_ALWAYS} fen, rewards.daily 0 or more."
        )
    _check_subscriptions(settings.subscriptions)
    _check_webhooks(settings.webhooks)
    _check_identity(settings.identity)
    _check_points(settings.points)
    for number, each in enumerate(settings.welcome):
        _check_welcome(settings, f"welcome[{number}]", each)
    seen: set[str] = set()
    for key in settings.api_keys:
        if key.id in seen:
            raise SettingsError(f"api_keys: the id {key.id!r} is used twice; ids must differ.")
        seen.add(key.id)
        if len(key.key.reveal()) < 16:
            raise SettingsError(f"api_keys: the key of {key.id!r} is shorter than 16 characters.")


def _check_reach(reach: Reach) -> None:
    if reach.monthly_messages < 0:
        raise SettingsError(f"reach.monthly_messages is {reach.monthly_messages}: give 0 or more.")
    for name in ("quiet_from", "quiet_until"):
        text = getattr(reach, name)
        if not _HOUR.fullmatch(text):
            raise SettingsError(f"reach.{name} is {text!r}: give a time of day such as 22:00.")


def _check_subscriptions(subscriptions: Subscriptions) -> None:
    for field in msgspec.structs.fields(Subscriptions):
        if getattr(subscriptions, field.name) <= 0:
            raise SettingsError(f"subscriptions.{field.name} is not above 0: give a larger number.")


def _check_webhooks(webhooks: Webhooks) -> None:
    for text in webhooks.allowed_networks:
        try:
            ip_network(text)
        except ValueError:
            raise SettingsError(
                f"webhooks.allowed_networks: {text!r} is no network; write it as 10.20.0.0/16."
            ) from None
    for field in msgspec.structs.fields(Webhooks):
        value = getattr(webhooks, field.name)
        if not isinstance(value, tuple) and value <= 0:
            raise SettingsError(f"webhooks.{field.name} is {value}: it must be more than 0.")


def _check_points(rules: tuple[PointsRule, ...]) -> None:
    for number, rule in enumerate(rules):
        where = f"points[{number}]"
        if rule.since.tzinfo is None:
            raise SettingsError(f"{where}.since is {rule.since}: give it a zone, such as 2026-12-01T00:00:00+08:00.")
        if any(each.since == rule.since for each in rules[:number]):
            raise SettingsError(f"{where}.since is {rule.since}, which another rule has; at one instant one begins.")
        for name in ("per_yuan", "valid_days"):
            if getattr(rule, name) < 0:
                raise SettingsError(f"{where}.{name} is {getattr(rule, name)}: give 0 or more.")


def _check_welcome(settings: Settings, where: str, welcome: Welcome) -> None:
    if welcome.account and welcome.account not in settings.tools.get("enterprise_chat", {}).get("accounts", {}):
        raise SettingsError(f"{where}.account is {welcome.account!r}: no enterprise_chat account has this alias.")
    if not welcome.text and welcome.link is None and welcome.mini_program is None:
        raise SettingsError(f"{where} says nothing: give a text, a link or a mini_program.")
    try:
        text = welcome.text.format(guide="", store="")
    except (KeyError, IndexError, ValueError, AttributeError):
        raise SettingsError(
            f"{where}.text has another place than {{guide}} and {{store}}: write a brace that is meant twice."
        ) from None
    sizes = [("text", text, WELCOME_TEXT_LIMIT_BYTES)]
    if welcome.link is not None:
        sizes.append(("link.title", welcome.link.title, LINK_TITLE_LIMIT_BYTES))
        sizes.append(("link.description", welcome.link.description, LINK_DESCRIPTION_LIMIT_BYTES))
    card = welcome.mini_program
    if card is not None:
        sizes.append(("mini_program.title", card.title, MINI_PROGRAM_TITLE_LIMIT_BYTES))
        if not Path(card.picture).is_file() or not card.picture.lower().endswith((".jpg", ".jpeg", ".png")):
            raise SettingsError(f"{where}.mini_program.picture is {card.picture!r}: give the path of a JPG or PNG.")
    for name, value, limit in sizes:
        if len(value.encode()) > limit:
            raise SettingsError(f"{where}.{name} has {len(value.encode())} bytes: 企业微信 takes {limit}; shorten it.")


def _check_identity(rules: IdentityRules) -> None:
    for kind, limit in rules.limits.items():
        if limit < 1:
            raise SettingsError(f"identity.limits.{kind} is {limit}: one person has at least 1 of a kind; remove it.")
    for name in ("people_per_value", "links_per_identity"):
        if getattr(rules, name) < 1:
            raise SettingsError(f"identity.{name} is {getattr(rules, name)}: it must be at least 1.")


def _check_notify(settings: Settings) -> None:
    """Who sells must be reachable by the payment platform, or a shopper finds out first."""
    sells = all(settings.tools.get(tool, {}).get("accounts") for tool in ("payments", "mini_program_store"))
    base = settings.checkout.notify_base
    if (base and not base.startswith("https://")) or (sells and not base):
        raise SettingsError(
            f"checkout.notify_base is {base!r}: give the https address, without a query, under which the payment"
            " platform reaches this gateway, such as https://gateway.example.com."
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror}; give its path with --settings.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path} is not valid TOML: {error}.") from None


def _decode(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    # msgspec adds where it was to this error, and to no error of its own kind.
    raise TypeError(f"Expected `str` for {kind.__name__}, got `{type(value).__name__}`")
