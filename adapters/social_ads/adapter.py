"""腾讯广告 for one advertiser account: ads, daily reports, leads, conversion feedback, pushed clicks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

import msgspec

from adapters.base.errors import Invalid, Rejected, UpstreamError
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.tokens import AccessTokens, with_token
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.social_ads import models
from adapters.social_ads.account import wall_clock
from adapters.social_ads.ads import Ads
from adapters.social_ads.audiences import Audiences
from adapters.social_ads.client import SocialAdsClient, encode_query
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.conversions import packed, wire_action
from adapters.social_ads.errors import NAME
from adapters.social_ads.paging import LeadPlace, ReportPlace, next_page, page_number
from adapters.social_ads.records import (
    ActionSet,
    AdClick,
    Consent,
    Conversion,
    ConversionAccepted,
    DailyReport,
    HourlyReport,
    Lead,
    LeadFeedback,
)
from adapters.social_ads.tokens import Pair, TokenKeeper
from adapters.social_ads.webhooks import CLICK, click_link, interpret_click, receive_click

#: What the calls here need of a consent.
SCOPES: Final = ("ads_management", "ads_insights", "account_management", "audience_management", "user_actions")
LEAD_STATUSES_PER_CALL: Final = 100
#: Rows of one call, at most.
REPORTS_PER_PAGE: Final = 100
LEADS_PER_PAGE: Final = 200


class SocialAdsAdapter(Ads, Audiences):
    """One advertiser account. Methods raise ``adapters.base.errors`` kinds unless they say otherwise."""

    def __init__(
        self,
        client: SocialAdsClient,
        tokens: AccessTokens,
        runtime: Runtime,
        config: SocialAdsConfig,
        keeper: TokenKeeper,
    ) -> None:
        super().__init__(client, tokens, runtime, config)
        self._keeper = keeper

    async def ping(self) -> None:
        """Read one ad."""
        await with_token(self._tokens, lambda token: self._client.adgroups_get(token, (), None, 1))

    def consent_page(self, redirect_uri: str, state: str) -> str:
        """Where an administrator of the account consents (授权页); it sends the browser to ``redirect_uri`` with
        ``authorization_code`` and ``state``. The platform wants an http or https address without a port."""
        query = encode_query(
            {
                "client_id": self._config.client_id,
                "redirect_uri": redirect_uri,
                "state": state,
                "scope": ",".join(SCOPES),
                "account_type": "ACCOUNT_TYPE_ADVERTISER",
            }
        )
        return f"{self._config.consent_url}?{query}"

    async def consent(self, code: str, redirect_uri: str) -> Consent:
        """The token pair of a consent code, once; ``redirect_uri`` as it was on the page.

        The pair before it may be dead: ``adopt`` this one, or enter it in the account's settings and restart. After
        OutcomeUnknown the code is used up; open the page again.
        """
        now = self._runtime.clock.now()
        tokens = await self._client.oauth_code(code, redirect_uri)
        who = tokens.authorizer_info
        return Consent(
            who.account_id if who is not None else None,
            tuple(who.scope_list) if who is not None else (),
            Secret(tokens.access_token),
            Secret(tokens.refresh_token),
            now + timedelta(seconds=tokens.access_token_expires_in),
            now + timedelta(seconds=tokens.refresh_token_expires_in),
        )

    @property
    def authorisation(self) -> str:
        """Names the token pair that the account works with: accounts of one authorisation share it."""
        return self._keeper.key

    async def adopt(self, consent: Consent) -> None:
        """Store the pair in place of the one before: all processes use it from now on, and renew it."""
        await self._keeper.adopt(
            Pair(
                consent.access_token.reveal(),
                consent.refresh_token.reveal(),
                consent.access_ends,
                consent.refresh_ends,
            )
        )

    async def daily_reports(
        self, start: date, end: date, cursor: str | None = None, *, only: Sequence[int] = ()
    ) -> Page[DailyReport]:
        """Up to 100 reports of Beijing days from ``start`` to the day before ``end``, oldest first.

        ``only`` of these ads, at most 100, if any are named.

        The platform knows the last 365 days. Yesterday is complete from about 08:00. A page may be empty
        and yet have a next one, since ranges over 90 days are read in windows.
        """
        if start >= end:
            return Page([])
        place = ReportPlace.parse(cursor, start)
        first, last = place.first.isoformat(), place.last(end).isoformat()
        answer = await with_token(
            self._tokens,
            lambda token: self._client.daily_reports_get(token, first, last, only, place.page, REPORTS_PER_PAGE),
        )
        items = [self._report(row) for row in answer.rows]
        return Page(items, place.after(answer.page_info.total_page, end))

    async def hourly_reports(
        self, day: date, cursor: str | None = None, *, only: Sequence[int] = ()
    ) -> Page[HourlyReport]:
        """Up to 100 reports of a Beijing day's hours, earliest first. An hour without traffic has none.

        ``only`` of these ads, at most 100, if any are named.
        """
        page = page_number(cursor, "hourly_reports_get")
        answer = await self._with(
            lambda token: self._client.hourly_reports_get(token, day.isoformat(), only, page, REPORTS_PER_PAGE)
        )
        items = [self._hour(row, day) for row in answer.rows]
        return Page(items, next_page(page, answer.page_info))

    async def leads(self, start: datetime, end: datetime, cursor: str | None = None) -> Page[Lead]:
        """Up to 200 leads that the platform stored from ``start`` to before ``end``, newest first.

        The range is at most a year, aware, in whole seconds; what is not over yet is cut off at now.
        """
        place = LeadPlace.parse(cursor, int(min(end, self._runtime.clock.now()).timestamp()) - 1)
        begin = int(start.timestamp())
        if begin > place.last:
            return Page([])
        answer = await with_token(
            self._tokens,
            lambda token: self._client.leads_list_get(
                token, begin, place.last, place.page, LEADS_PER_PAGE, place.after_values
            ),
        )
        rows = answer.leads_info if isinstance(answer.leads_info, list) else [answer.leads_info]
        items = [_lead(row) for row in rows]
        if not items:
            return Page([])
        total = answer.page_info.total_page if answer.page_info is not None else 1
        milliseconds = int(items[-1].created_at.timestamp()) * 1000
        following = place.after(len(items), LEADS_PER_PAGE, total, milliseconds, items[-1].lead_id)
        return Page(items, following)

    async def report_lead_status(self, feedback: Sequence[LeadFeedback]) -> None:
        """Tell the platform what became of leads, which its bidding learns from; the last status counts.

        How many one call may carry is not documented: 100. A call is refused whole.
        """
        statuses = [models.LeadStatus(each.lead_id, each.status, each.reason) for each in feedback]
        for at in range(0, len(statuses), LEAD_STATUSES_PER_CALL):
            call = statuses[at : at + LEAD_STATUSES_PER_CALL]
            await self._with(partial(self._client.leads_status_update, statuses=call))

    async def send_audience_ids(
        self,
        audience_id: int,
        id_type: str,
        ids: Sequence[str],
        *,
        appid: str = "",
        removes: bool = False,
        name: str = "ids",
    ) -> int:
        """Add people to an audience, or take them out, by their ids in clear; the file's id.

        They are normalised and hashed here (``hashing.ID_TYPES``), each once; what has not the form of its type is
        left out. The platform works through the file later: ``audience_file``. It lists the file as ``name``.zip: one
        name per upload tells after an unknown outcome whether it came. Raises Invalid: ``id_type``, ``appid`` (openids
        need it), ``name``, ``no_ids``, ``file_size``.
        """
        return await self._send_ids(audience_id, id_type, ids, appid, removes, name)

    async def action_sets(self) -> Sequence[ActionSet]:
        """The data sources (数据源) that conversions can be reported to."""
        answer = await self._with(self._client.user_action_sets_get)
        return [ActionSet(row.user_action_set_id, row.type, row.name) for row in answer.rows]

    async def create_action_set(
        self, kind: str, name: str = "", *, wechat_appid: str = "", description: str = ""
    ) -> int:
        """Create a data source; its id, for the setting ``user_action_set_id``. A second call makes a second one.

        ``kind`` is WEB, WECHAT, WECHAT_MINI_PROGRAM … Raises Invalid: ``name`` (1 to 32 bytes, WEB must have one),
        ``appid`` (WeChat's kinds need one), ``description`` (128 characters).
        """
        endpoint = "user_action_sets_add"
        if len(name.encode()) > 32 or (kind == "WEB" and not name):
            raise self._invalid(endpoint, "name", "name must have at most 32 bytes; WEB must have one.")
        if kind.startswith("WECHAT") and not wechat_appid:
            raise self._invalid(endpoint, "appid", "A data source of WeChat needs wechat_appid.")
        if len(description) > 128:
            raise self._invalid(endpoint, "description", "description must have at most 128 characters.")
        answer = await self._with(
            lambda token: self._client.user_action_sets_add(
                token, kind, name or None, wechat_appid or None, description or None
            )
        )
        return answer.user_action_set_id

    async def report_conversions(
        self, conversions: Sequence[Conversion]
    ) -> Sequence[ConversionAccepted | UpstreamError]:
        """Report conversions, 50 a call; same order, same length; each failure is a value, none is raised.

        Repeating a report is harmless: the platform counts one (data source, ``outer_action_id``,
        ``action_type``) once. It refuses a whole call for one bad item without naming it, so a refused
        call is halved until the bad ones stand alone.
        """
        outcomes: list[ConversionAccepted | UpstreamError | None] = [None] * len(conversions)
        actions: list[models.UserAction] = []
        places: list[int] = []
        for place, conversion in enumerate(conversions):
            action = wire_action(conversion)
            if isinstance(action, UpstreamError):
                outcomes[place] = action
            else:
                actions.append(action)
                places.append(place)
        calls = packed(actions)
        answers = await asyncio.gather(*(self._report_call([actions[i] for i in call]) for call in calls))
        for call, answer in zip(calls, answers, strict=True):
            for position, outcome in zip(call, answer, strict=True):
                outcomes[places[position]] = outcome
        return [outcome for outcome in outcomes if outcome is not None]

    async def _report_call(self, actions: Sequence[models.UserAction]) -> Sequence[ConversionAccepted | UpstreamError]:
        body = msgspec.json.encode(
            models.UserActions(self._config.account_id, self._config.user_action_set_id, list(actions))
        )
        try:
            await with_token(self._tokens, lambda token: self._client.user_actions_add(token, body))
        except (Invalid, Rejected) as error:
            if len(actions) == 1:
                return [error]
        except UpstreamError as error:
            return [error] * len(actions)
        else:
            return [ConversionAccepted(action.outer_action_id) for action in actions]
        middle = len(actions) // 2
        halves = await asyncio.gather(self._report_call(actions[:middle]), self._report_call(actions[middle:]))
        return [*halves[0], *halves[1]]

    def click_link(self, url: str) -> str:
        """The click-tracking link to enter in the platform's console, for this account's webhook ``url``."""
        return click_link(url, self._config.click_key.reveal())

    async def receive(self, request: WebhookRequest) -> Received:
        """A pushed click, if the request knows the click key: a claim. Raises WebhookRefused."""
        key = self._config.click_key.reveal()
        return receive_click(request, self._config.account_id, key, self._runtime.clock.now())

    def interpret(self, event: InboundEvent) -> Sequence[AdClick]:
        """The click that an event claims."""
        return [interpret_click(event)] if event.kind == CLICK else []

    def _report(self, row: models.DailyReportRow) -> DailyReport:
        return DailyReport(
            self._config.account_id,
            row.adgroup_id,
            row.date,
            row.view_count,
            row.valid_click_count,
            row.cost,
            row.conversions_count,
        )

    def _hour(self, row: models.HourlyReportRow, day: date) -> HourlyReport:
        return HourlyReport(
            self._config.account_id,
            row.adgroup_id,
            day,
            int(row.hour),
            row.view_count,
            row.valid_click_count,
            row.cost,
            row.conversions_count,
        )


def _lead(row: models.LeadsInfo) -> Lead:
    return Lead(
        row.account_id,
        row.leads_id,
        int(row.adgroup_id or 0) or None,
        row.click_id or None,
        row.leads_name or None,
        row.leads_telephone or None,
        wall_clock(row.leads_create_time),
    )


@asynccontextmanager
async def open_account(config: SocialAdsConfig, runtime: Runtime) -> AsyncIterator[SocialAdsAdapter]:
    """The adapter of one account. Closing waits for a token exchange that is under way."""
    client = SocialAdsClient(Upstream(runtime, NAME, config.external_id), config)
    keeper = TokenKeeper(client, runtime, config)
    try:
        yield SocialAdsAdapter(client, AccessTokens(runtime, keeper.key, keeper.fetch), runtime, config, keeper)
    finally:
        await keeper.close()
