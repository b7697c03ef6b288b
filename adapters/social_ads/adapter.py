"""腾讯广告 for one advertiser account: ads, daily reports, leads, conversion feedback, pushed clicks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from adapters.base.errors import Invalid, Rejected, UpstreamError
from adapters.base.http import Upstream
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.base.tokens import AccessTokens, with_token
from adapters.base.webhooks import InboundEvent, Received, WebhookRequest
from adapters.social_ads import models
from adapters.social_ads.client import SocialAdsClient
from adapters.social_ads.config import SocialAdsConfig
from adapters.social_ads.conversions import packed, wire_action
from adapters.social_ads.errors import BEIJING, NAME
from adapters.social_ads.paging import LeadPlace, ReportPlace
from adapters.social_ads.records import AdClick, AdGroup, Conversion, ConversionAccepted, DailyReport, Lead
from adapters.social_ads.tokens import TokenKeeper
from adapters.social_ads.webhooks import CLICK, click_link, interpret_click, receive_click

#: Rows of one call, at most.
ADGROUPS_PER_PAGE: Final = 100
REPORTS_PER_PAGE: Final = 100
LEADS_PER_PAGE: Final = 200


class SocialAdsAdapter:
    """One advertiser account. Methods raise ``adapters.base.errors`` kinds unless they say otherwise."""

    def __init__(
        self, client: SocialAdsClient, tokens: AccessTokens, runtime: Runtime, config: SocialAdsConfig
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._runtime = runtime
        self._config = config

    @property
    def account(self) -> str:
        """The account_id as text."""
        return self._config.external_id

    async def ping(self) -> None:
        """Read one ad."""
        await with_token(self._tokens, lambda token: self._client.adgroups_get(token, None, 1))

    async def adgroups(self, cursor: str | None = None) -> Page[AdGroup]:
        """Up to 100 ads that are not deleted, in the platform's order."""
        answer = await with_token(
            self._tokens, lambda token: self._client.adgroups_get(token, cursor, ADGROUPS_PER_PAGE)
        )
        paging = answer.cursor_page_info
        items = [self._adgroup(row) for row in answer.rows]
        return Page(items, str(paging.cursor) if paging.has_more and items else None)

    async def daily_reports(self, start: date, end: date, cursor: str | None = None) -> Page[DailyReport]:
        """Up to 100 reports of Beijing days from ``start`` to the day before ``end``, oldest first.

        The platform knows the last 365 days. Yesterday is complete from about 08:00. A page may be empty
        and yet have a next one, since ranges over 90 days are read in windows.
        """
        if start >= end:
            return Page([])
        place = ReportPlace.parse(cursor, start)
        first, last = place.first.isoformat(), place.last(end).isoformat()
        answer = await with_token(
            self._tokens,
            lambda token: self._client.daily_reports_get(token, first, last, place.page, REPORTS_PER_PAGE),
        )
        items = [self._report(row) for row in answer.rows]
        return Page(items, place.after(answer.page_info.total_page, end))

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

    def _adgroup(self, row: models.Adgroup) -> AdGroup:
        return AdGroup(
            self._config.account_id,
            row.adgroup_id,
            row.adgroup_name,
            row.system_status,
            datetime.fromtimestamp(row.created_time, UTC),
            datetime.fromtimestamp(row.last_modified_time, UTC),
        )

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


def _lead(row: models.LeadsInfo) -> Lead:
    return Lead(
        row.account_id,
        row.leads_id,
        int(row.adgroup_id or 0) or None,
        row.click_id or None,
        row.leads_name or None,
        row.leads_telephone or None,
        row.leads_create_time.replace(tzinfo=BEIJING).astimezone(UTC),
    )


@asynccontextmanager
async def open_account(config: SocialAdsConfig, runtime: Runtime) -> AsyncIterator[SocialAdsAdapter]:
    """The adapter of one account. Closing waits for a token exchange that is under way."""
    client = SocialAdsClient(Upstream(runtime, NAME, config.external_id), config)
    keeper = TokenKeeper(client, runtime, config)
    try:
        yield SocialAdsAdapter(client, AccessTokens(runtime, keeper.key, keeper.fetch), runtime, config)
    finally:
        await keeper.close()
