"""What others may be given to reach one object, or one folder, for a short while, without our key.

Links and forms are signed here, without a call, so they say nothing about whether the object exists. Temporary keys
come from STS.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from adapters.base.runtime import Clock
from adapters.base.secrets import Secret
from adapters.cloud_storage.checks import Checks
from adapters.cloud_storage.client import CLOCK_LEEWAY_SECONDS, StsClient, wire_host
from adapters.cloud_storage.config import CloudStorageConfig
from adapters.cloud_storage.records import Permission, TemporaryKey, UploadForm
from adapters.cloud_storage.signing import ALGORITHM, Signer, encode, encode_path, encode_query

#: Our own limit: links, forms and keys are bearer credentials, and one that lives longer than a day gets around.
MAX_EXPIRES_IN: Final = 24 * 3600
#: What STS calls whoever holds a temporary key; it shows in the vendor's audit log.
HOLDER: Final = "retailgateway"
_ACTIONS: Final = {
    Permission.READ: ("GetObject", "HeadObject"),
    Permission.WRITE: (
        "PutObject",
        "PostObject",
        "InitiateMultipartUpload",
        "ListMultipartUploads",
        "ListParts",
        "UploadPart",
        "CompleteMultipartUpload",
        "AbortMultipartUpload",
    ),
}


class Grants:
    """Of one bucket; see ``CloudStorageAdapter``."""

    def __init__(self, config: CloudStorageConfig, clock: Clock, sts: StsClient) -> None:
        self._config = config
        self._clock = clock
        self._sts = sts
        self._checks = Checks(config.bucket)
        self._host = wire_host(config.base_url)
        self._signer = Signer(config.secret_id, config.secret_key)

    def presigned_get(
        self, key: str, *, expires_in: int, download_name: str | None = None, content_type: str | None = None
    ) -> str:
        """A link (预签名 URL) that reads one object for ``expires_in`` seconds, 1 to 86400.

        With ``download_name`` browsers save the file under that name; Chinese is fine. With ``content_type`` it is
        answered as of that type, whatever it was stored as.
        """
        params = {}
        if download_name is not None:
            params["response-content-disposition"] = self._attachment(download_name)
        if content_type is not None:
            self._checks.content_type(content_type)
            params["response-content-type"] = content_type
        return self._presigned("GET", key, expires_in, params, {})

    def presigned_put(self, key: str, *, expires_in: int, content_type: str, content_length: int | None = None) -> str:
        """A link that stores one object for ``expires_in`` seconds, 1 to 86400.

        Whoever uses it must send exactly this ``Content-Type`` and, when ``content_length`` (bytes) is given,
        exactly that many bytes; COS refuses anything else. Mini-programs cannot PUT a file: see
        ``upload_form``.
        """
        self._checks.content_type(content_type)
        headers = {"content-type": content_type}
        if content_length is not None:
            self._checks.size(content_length)
            headers["content-length"] = str(content_length)
        return self._presigned("PUT", key, expires_in, {}, headers)

    def upload_form(
        self, key: str, *, expires_in: int, max_bytes: int, min_bytes: int = 0, content_type_prefix: str = ""
    ) -> UploadForm:
        """A form (POST Object) for ``wx.uploadFile`` or a browser, for ``expires_in`` seconds, 1 to 86400.

        COS refuses another key, fewer than ``min_bytes`` or more than ``max_bytes`` bytes, and a type outside
        ``content_type_prefix``: ``image/`` lets the sender choose and demands a ``Content-Type`` field,
        ``image/jpeg`` is put into the fields, empty allows any type.
        """
        self._checks.key(key)
        self._checks.size(max_bytes, least=1)
        self._checks.size(min_bytes, most=max_bytes)
        start, expires_at = self._window(expires_in)
        end = int(expires_at.timestamp())
        # ``${filename}`` in a key is a variable of the form, which no literal key may contain.
        if "${" in key:
            raise self._checks.invalid("bad_key", "key contains ${, which upload forms read as a variable.")
        fields = {"key": key, "success_action_status": "200"}
        conditions: list[object] = [
            {"bucket": self._config.bucket},
            ["eq", "$key", key],
            ["content-length-range", min_bytes, max_bytes],
            {"success_action_status": "200"},
            {"q-sign-algorithm": ALGORITHM},
            {"q-ak": self._signer.secret_id},
            {"q-sign-time": f"{start};{end}"},
        ]
        open_prefix = content_type_prefix
        if content_type_prefix:
            self._checks.content_type(content_type_prefix)
            conditions.append(["starts-with", "$Content-Type", content_type_prefix])
            if "/" in content_type_prefix and not content_type_prefix.endswith("/"):
                fields["Content-Type"], open_prefix = content_type_prefix, ""
        expiration = expires_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        policy = orjson.dumps({"expiration": expiration, "conditions": conditions})
        fields |= self._signer.form(policy, start=start, end=end)
        return UploadForm(self._config.base_url + "/", fields, key, expires_at, max_bytes, open_prefix)

    async def temporary_key(self, scope: str, permission: Permission, *, expires_in: int) -> TemporaryKey:
        """A key pair (临时密钥) that may read, or write, ``scope`` for ``expires_in`` seconds, 900 to 86400.

        ``scope`` is a key or, when it ends with a slash, all keys that begin with it. What it may do is in COS's
        hands from then on: such a key cannot be taken back.
        """
        self._checks.key(scope)
        # In a policy these stand for any text, and would widen the grant.
        if not {"*", "?", "$"}.isdisjoint(scope):
            raise self._checks.invalid("bad_key", "scope contains *, ? or $, which policies read as patterns.")
        if not 900 <= expires_in <= MAX_EXPIRES_IN:
            raise self._checks.invalid(
                "bad_expiry", f"expires_in is {expires_in} seconds: give 900 to {MAX_EXPIRES_IN}."
            )
        config = self._config
        # The uid of a resource is the APPID and not the account's uin.
        place = f"qcs::cos:{config.region}:uid/{config.app_id}:{config.bucket}/{scope}"
        policy: dict[str, Any] = {
            "version": "2.0",
            "statement": [
                {
                    "effect": "allow",
                    "action": [f"name/cos:{each}" for each in _ACTIONS[permission]],
                    "resource": [place + "*" if scope.endswith("/") else place],
                }
            ],
        }
        wire = await self._sts.get_federation_token(HOLDER, policy, expires_in)
        return TemporaryKey(
            bucket=config.bucket,
            region=config.region,
            scope=scope,
            permission=permission,
            secret_id=wire.Credentials.TmpSecretId,
            secret_key=Secret(wire.Credentials.TmpSecretKey),
            token=Secret(wire.Credentials.Token),
            starts_at=self._clock.now().astimezone(UTC).replace(microsecond=0),
            expires_at=datetime.fromtimestamp(wire.ExpiredTime, UTC),
        )

    def _presigned(
        self, method: str, key: str, expires_in: int, params: dict[str, str], headers: dict[str, str]
    ) -> str:
        self._checks.key(key)
        start, expires_at = self._window(expires_in)
        pairs = self._signer.pairs(
            method,
            "/" + key,
            params,
            {**headers, "host": self._host},
            start=start,
            end=int(expires_at.timestamp()),
        )
        return f"{self._config.base_url}{encode_path(key)}?{encode_query({**pairs, **params})}"

    def _window(self, expires_in: int) -> tuple[int, datetime]:
        """First Unix second and first invalid instant of something that is signed now."""
        if not 1 <= expires_in <= MAX_EXPIRES_IN:
            raise self._checks.invalid("bad_expiry", f"expires_in is {expires_in} seconds: give 1 to {MAX_EXPIRES_IN}.")
        now = self._clock.now().astimezone(UTC).replace(microsecond=0)
        return int(now.timestamp()) - CLOCK_LEEWAY_SECONDS, now + timedelta(seconds=expires_in)

    def _attachment(self, name: str) -> str:
        """``Content-Disposition`` for any name: an ASCII one for old software, the true one after it."""
        self._checks.text("download_name", name)
        if not name or any(ord(character) < 0x20 for character in name):
            raise self._checks.invalid("bad_name", "download_name is empty or has control characters; change it.")
        plain = "".join(c if " " <= c <= "~" and c not in '"\\%' else "_" for c in name)
        return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encode(name)}"
