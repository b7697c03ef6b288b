"""Audiences (人群) and the files of hashed ids that fill them."""

from __future__ import annotations

import secrets
from typing import Final

from adapters.base.endpoint import idempotent, once, read
from adapters.social_ads import models
from adapters.social_ads.client.wire import Wire, multipart

#: No key of the platform's makes these creations repeatable: a second call makes a second one.
CUSTOM_AUDIENCES_ADD: Final = once("custom_audiences_add", family="audiences")
CUSTOM_AUDIENCE_FILES_ADD: Final = once("custom_audience_files_add", timeout=60.0, family="audiences")
CUSTOM_AUDIENCES_GET: Final = read("custom_audiences_get", family="audiences")
CUSTOM_AUDIENCES_UPDATE: Final = idempotent("custom_audiences_update", key="audience_id", family="audiences")
#: The second deletion finds nothing and is refused.
CUSTOM_AUDIENCES_DELETE: Final = once("custom_audiences_delete", family="audiences")
CUSTOM_AUDIENCE_FILES_GET: Final = read("custom_audience_files_get", family="audiences")

_FIELDS: Final = (
    "audience_id",
    "external_audience_id",
    "name",
    "type",
    "status",
    "online_status",
    "error_code",
    "user_count",
    "created_time",
    "last_modified_time",
)


class AudiencesClient(Wire):
    """``/v3.0/custom_audiences``, ``/v3.0/custom_audience_files``."""

    async def custom_audiences_add(
        self, access_token: str, name: str, outer_audience_id: str | None, description: str | None
    ) -> models.AudienceCreated:
        """POST /v3.0/custom_audiences/add of type CUSTOMER_FILE."""
        body = {
            "name": name,
            "type": "CUSTOMER_FILE",
            "outer_audience_id": outer_audience_id,
            "description": description,
        }
        path = "custom_audiences/add"
        return await self._send(CUSTOM_AUDIENCES_ADD, path, access_token, body, models.AudienceCreated)

    async def custom_audiences_get(
        self, access_token: str, audience_id: int | None, page: int, page_size: int
    ) -> models.Audiences:
        """GET /v3.0/custom_audiences/get, all or one."""
        parameters = {"audience_id": audience_id, "fields": _FIELDS, "page": page, "page_size": page_size}
        return await self._get(CUSTOM_AUDIENCES_GET, "custom_audiences/get", access_token, parameters, models.Audiences)

    async def custom_audiences_update(
        self, access_token: str, audience_id: int, name: str | None, description: str | None
    ) -> None:
        """POST /v3.0/custom_audiences/update of name and description (the shape is the official SDK's)."""
        body = {"audience_id": audience_id, "name": name, "description": description}
        path = "custom_audiences/update"
        await self._send(CUSTOM_AUDIENCES_UPDATE, path, access_token, body, models.Nothing)

    async def custom_audiences_delete(self, access_token: str, audience_id: int) -> None:
        """POST /v3.0/custom_audiences/delete (the shape is the official SDK's)."""
        body = {"audience_id": audience_id}
        path = "custom_audiences/delete"
        await self._send(CUSTOM_AUDIENCES_DELETE, path, access_token, body, models.Nothing)

    async def custom_audience_files_add(
        self,
        access_token: str,
        audience_id: int,
        user_id_type: str,
        operation_type: str,
        open_app_id: str,
        archive: bytes,
        name: str,
    ) -> models.AudienceFileCreated:
        """POST /v3.0/custom_audience_files/add, multipart: a zip of one text file, an id a line, by its file name."""
        fields = {
            "account_id": str(self._account_id),
            "audience_id": str(audience_id),
            "user_id_type": user_id_type,
            "operation_type": operation_type,
        }
        if open_app_id:
            fields["open_app_id"] = open_app_id
        boundary = secrets.token_hex(24)
        return await self._post(
            CUSTOM_AUDIENCE_FILES_ADD,
            "custom_audience_files/add",
            access_token,
            multipart(fields, archive, name, boundary),
            models.AudienceFileCreated,
            content_type=f"multipart/form-data; boundary={boundary}",
        )

    async def custom_audience_files_get(
        self, access_token: str, audience_id: int | None, file_id: int | None, page: int, page_size: int
    ) -> models.AudienceFiles:
        """GET /v3.0/custom_audience_files/get."""
        parameters = {
            "audience_id": audience_id,
            "custom_audience_file_id": file_id,
            "page": page,
            "page_size": page_size,
        }
        path = "custom_audience_files/get"
        return await self._get(CUSTOM_AUDIENCE_FILES_GET, path, access_token, parameters, models.AudienceFiles)
