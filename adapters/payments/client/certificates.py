"""平台证书: the platform's own keys, for merchants who have no public key of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from adapters.base.endpoint import read
from adapters.base.transport import Response
from adapters.payments import models
from adapters.payments.client.wire import Wire
from adapters.payments.errors import NOT_OPENED, UNSIGNED
from adapters.payments.keys import Certificate, opened
from adapters.payments.signing import Unopened, Unverified

CERTIFICATES: Final = read("certificates", family="certificates")


class CertificatesClient:
    """``/v3/certificates``."""

    def __init__(self, wire: Wire, apiv3_key: bytes) -> None:
        self._wire = wire
        self._apiv3_key = apiv3_key

    async def certificates(self) -> Sequence[Certificate]:
        """下载平台证书: all that are valid, two in the weeks of a rotation.

        The answer may be signed by a key that it brings: that it opens proves that the platform made it, then
        its signature is verified with what it held.
        """
        return await self._wire.call(CERTIFICATES, "GET", "/v3/certificates", self._checked, signed=False)

    def _checked(self, response: Response) -> Sequence[Certificate]:
        listed = msgspec.json.decode(response.body, type=models.CertificateList).data
        try:
            found = [opened(self._apiv3_key, each) for each in listed]
        except Unopened as error:
            raise self._wire.failure(NOT_OPENED, CERTIFICATES, response) from error
        try:
            self._wire.keys.verify(response.headers, response.body, self._wire.now(), also=found)
        except Unverified as error:
            raise self._wire.failure(UNSIGNED, CERTIFICATES, response) from error
        return found
