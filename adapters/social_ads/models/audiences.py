"""Audiences and their files, in the platform's own field names; times are Beijing wall-clock texts."""

from __future__ import annotations

from datetime import datetime

import msgspec

from adapters.social_ads.models.base import PageInfo


class AudienceCreated(msgspec.Struct):
    """custom_audiences/add."""

    audience_id: int


class Audience(msgspec.Struct):
    """An element of custom_audiences/get."""

    audience_id: int
    name: str
    type: str
    status: str
    created_time: datetime
    last_modified_time: datetime
    external_audience_id: str = ""
    online_status: str = ""
    error_code: int = 0
    user_count: int = 0


class Audiences(msgspec.Struct):
    """custom_audiences/get."""

    rows: list[Audience] = msgspec.field(name="list")
    page_info: PageInfo


class AudienceFileCreated(msgspec.Struct):
    """custom_audience_files/add."""

    custom_audience_file_id: int


class AudienceFile(msgspec.Struct):
    """An element of custom_audience_files/get; ``process_code`` 0 is no error."""

    custom_audience_file_id: int
    audience_id: int
    user_id_type: str
    operation_type: str
    process_status: str
    created_time: datetime
    name: str = ""
    process_code: int = 0
    line_count: int = 0
    valid_line_count: int = 0
    user_count: int = 0


class AudienceFiles(msgspec.Struct):
    """custom_audience_files/get."""

    rows: list[AudienceFile] = msgspec.field(name="list")
    page_info: PageInfo
