"""STS (临时密钥): keys that live for a while and may do little."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec
import orjson

from adapters.base.endpoint import read
from adapters.base.http import Upstream
from adapters.base.runtime import Clock
from adapters.base.transport import Request, Response
from adapters.cloud_storage.config import CloudStorageConfig
from adapters.cloud_storage.errors import STS_FAULTS
from adapters.cloud_storage.models import FederationToken
from adapters.tencent_cloud import tc3

#: Gives another key each time and changes nothing, so it is repeated like a read.
GET_FEDERATION_TOKEN: Final = read("get_federation_token", family="sts")
_ACTION: Final = tc3.Action("sts.tencentcloudapi.com", "2018-08-13", "GetFederationToken")


class StsClient:
    """Raises the kinds of ``adapters.base.errors``."""

    def __init__(self, config: CloudStorageConfig, upstream: Upstream, clock: Clock) -> None:
        self._config = config
        self._upstream = upstream
        self._clock = clock

    async def get_federation_token(self, name: str, policy: Mapping[str, Any], seconds: int) -> FederationToken:
        """GetFederationToken: a key pair and its token, which may do what ``policy`` allows and no more.

        ``name`` is letters, for the vendor's audit log; ``seconds`` is at most 129600 with a sub-account's key and
        7200 with a root key.
        """
        config = self._config
        text = quote(orjson.dumps(policy), safe="")  # This one parameter is URL-encoded inside the JSON.
        payload = {"Name": name, "Policy": text, "DurationSeconds": seconds}

        async def prepare() -> Request:
            return tc3.request(
                _ACTION,
                payload,
                base_url=config.sts_url,
                region=config.region,
                secret_id=config.secret_id,
                secret_key=config.secret_key,
                timestamp=int(self._clock.now().timestamp()),
            )

        def decode(response: Response) -> FederationToken:
            if response.status == 429 or response.status >= 500:
                code = "RequestLimitExceeded" if response.status == 429 else "InternalError"
                raise STS_FAULTS.error(code, endpoint=GET_FEDERATION_TOKEN.name, account=config.bucket)
            try:
                return msgspec.json.decode(tc3.opened(response), type=FederationToken)
            except tc3.Failed as failed:
                fault = STS_FAULTS.get(tc3.row_for(failed.code, STS_FAULTS))
                raise STS_FAULTS.error(
                    failed.code,
                    endpoint=GET_FEDERATION_TOKEN.name,
                    account=config.bucket,
                    request_id=failed.request_id,
                    fallback=fault,
                ) from None

        return await self._upstream.call(GET_FEDERATION_TOKEN, prepare, decode)
