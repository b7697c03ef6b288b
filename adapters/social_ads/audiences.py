"""Audiences, and the files of hashed ids that fill them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.social_ads import models
from adapters.social_ads.account import Account, wall_clock
from adapters.social_ads.errors import NAME
from adapters.social_ads.hashing import APP_ID_TYPES, packed_ids
from adapters.social_ads.paging import next_page, page_number
from adapters.social_ads.records import Audience, AudienceFile

#: Rows of one call, at most.
AUDIENCES_PER_PAGE: Final = 100
#: What a file may be called; its ending is added.
FILE_NAME: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


class Audiences(Account):
    """``custom_audiences``, ``custom_audience_files``. Who may be in a file is the caller's to know: consent."""

    async def create_audience(self, name: str, *, outer_id: str | None = None, description: str | None = None) -> int:
        """Create an empty audience for files of ids; its id. A second call makes a second one."""
        if not name:
            raise self._invalid("custom_audiences_add", "name", "name is empty.")
        answer = await self._with(lambda token: self._client.custom_audiences_add(token, name, outer_id, description))
        return answer.audience_id

    async def audiences(self, cursor: str | None = None) -> Page[Audience]:
        """Up to 100 audiences, in the platform's order."""
        page = page_number(cursor, "custom_audiences_get")
        answer = await self._with(
            lambda token: self._client.custom_audiences_get(token, None, page, AUDIENCES_PER_PAGE)
        )
        return Page([_audience(row) for row in answer.rows], next_page(page, answer.page_info))

    async def audience(self, audience_id: int) -> Audience:
        """One audience. Raises NotFound."""
        answer = await self._with(lambda token: self._client.custom_audiences_get(token, audience_id, 1, 1))
        if not answer.rows:
            raise self._missing("custom_audiences_get", f"no audience {audience_id}")
        return _audience(answer.rows[0])

    async def update_audience(
        self, audience_id: int, *, name: str | None = None, description: str | None = None
    ) -> None:
        """Rename or describe an audience; None leaves it as it is."""
        await self._with(lambda token: self._client.custom_audiences_update(token, audience_id, name, description))

    async def delete_audience(self, audience_id: int) -> None:
        """Delete an audience. Deleting it again is refused."""
        await self._with(lambda token: self._client.custom_audiences_delete(token, audience_id))

    async def _send_ids(
        self, audience_id: int, id_type: str, ids: Sequence[str], appid: str, removes: bool, name: str
    ) -> int:
        if not FILE_NAME.fullmatch(name):
            message = "name must be 1 to 64 letters, digits, hyphens and underscores, without .zip."
            raise self._invalid("custom_audience_files_add", "name", message)
        if id_type in APP_ID_TYPES and not appid:
            raise self._invalid("custom_audience_files_add", "appid", "openids need the appid that they belong to.")
        archive, _ = await asyncio.to_thread(packed_ids, id_type, ids)
        operation = "REDUCE" if removes else "APPEND"
        answer = await self._with(
            lambda token: self._client.custom_audience_files_add(
                token, audience_id, id_type, operation, appid if id_type in APP_ID_TYPES else "", archive, f"{name}.zip"
            )
        )
        return answer.custom_audience_file_id

    async def audience_files(self, audience_id: int, cursor: str | None = None) -> Page[AudienceFile]:
        """Up to 100 files of an audience."""
        page = page_number(cursor, "custom_audience_files_get")
        answer = await self._with(
            lambda token: self._client.custom_audience_files_get(token, audience_id, None, page, AUDIENCES_PER_PAGE)
        )
        return Page([_file(row) for row in answer.rows], next_page(page, answer.page_info))

    async def audience_file(self, audience_id: int, file_id: int) -> AudienceFile:
        """One file. Raises NotFound."""
        answer = await self._with(
            lambda token: self._client.custom_audience_files_get(token, audience_id, file_id, 1, 1)
        )
        if not answer.rows:
            raise self._missing("custom_audience_files_get", f"no file {file_id}")
        return _file(answer.rows[0])

    def _missing(self, endpoint: str, what: str) -> NotFound:
        message = f"The advertiser has {what}."
        return NotFound(NAME, "missing", message, endpoint=endpoint, account=self.account)


def _audience(row: models.Audience) -> Audience:
    return Audience(
        row.audience_id,
        row.external_audience_id,
        row.name,
        row.type,
        row.status,
        row.online_status == "ONLINE",
        row.user_count,
        row.error_code,
        wall_clock(row.created_time),
        wall_clock(row.last_modified_time),
    )


def _file(row: models.AudienceFile) -> AudienceFile:
    return AudienceFile(
        row.custom_audience_file_id,
        row.audience_id,
        row.name,
        row.user_id_type,
        row.operation_type == "REDUCE",
        row.process_status,
        row.process_code,
        row.line_count,
        row.valid_line_count,
        row.user_count,
        wall_clock(row.created_time),
    )
