"""The platform's keys: which of them verifies a signature, and which encrypts what only the platform may read.

A merchant holds the 微信支付公钥, which never expires and is downloaded by hand, or 平台证书, which live five years and
are fetched here (``GET /v3/certificates``), or for the time of a migration both: ``Wechatpay-Serial`` tells which
key signed. Vendor pages: 4013053249 (public key), 4013053420 (certificates).
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1

from adapters.base.errors import NotFound, UpstreamError
from adapters.payments import models
from adapters.payments.config import PaymentsConfig
from adapters.payments.errors import NO_CERTIFICATE, TOOL
from adapters.payments.signing import Unverified, Verifier, bad_setting, open_resource, public_key, rsa

log = logging.getLogger("adapters.payments")

#: The vendor's rule: at least this often.
REFRESH: Final = timedelta(hours=12)
#: Whoever sends us an unknown serial makes us fetch at most this often.
PAUSE: Final = timedelta(minutes=1)
#: What fits in a sealed field.
SEALED_BYTES: Final = 214

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_SERIAL: Final = re.compile(r"[0-9A-F]{40}")
#: OAEP with SHA-1 is what the platform decrypts; as a mask it has no known weakness.
_OAEP: Final = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303


@dataclass(frozen=True, slots=True)
class Certificate:
    """A 平台证书: its serial in 40 hex digits, upper case."""

    serial: str
    key: RSAPublicKey = field(repr=False)
    begins_at: datetime
    ends_at: datetime

    def valid(self, now: datetime) -> bool:
        """True within its five years."""
        return self.begins_at <= now < self.ends_at


Fetch = Callable[[], Awaitable[Sequence[Certificate]]]


def certificate(pem: str) -> Certificate:
    """Raises ValueError when the text is no X.509 certificate of an RSA key in PEM."""
    found = x509.load_pem_x509_certificate(pem.encode())
    serial = f"{found.serial_number:040X}"
    return Certificate(serial, rsa(found.public_key()), found.not_valid_before_utc, found.not_valid_after_utc)


def opened(apiv3_key: bytes, wire: models.Certificate) -> Certificate:
    """One of ``GET /v3/certificates``. Raises Unopened, or ValueError for what is no certificate."""
    sealed = wire.encrypt_certificate
    return certificate(open_resource(apiv3_key, sealed.nonce, sealed.associated_data, sealed.ciphertext).decode())


class PlatformKeys:
    """What one account knows of the platform's keys."""

    def __init__(self, config: PaymentsConfig) -> None:
        """Raises ValueError that names the setting."""
        self._mchid = config.mchid
        self._key_id = config.platform_key_id
        if bool(self._key_id) is not bool(config.platform_public_key):
            raise ValueError(bad_setting(config, "platform_public_key", "given together with platform_key_id"))
        self._public: dict[str, RSAPublicKey] = {}
        if self._key_id:
            try:
                self._public[self._key_id] = public_key(config.platform_public_key)
            except ValueError:
                raise ValueError(bad_setting(config, "platform_public_key", "an RSA public key in PEM")) from None
        try:
            known = [certificate(pem) for pem in config.platform_certificates]
        except ValueError:
            raise ValueError(bad_setting(config, "platform_certificates", "X.509 certificates in PEM")) from None
        self._certificates = {each.serial: each for each in known}
        self._fetch: Fetch | None = None
        self._lock = asyncio.Lock()
        #: When certificates are to be fetched by rule, and before when they are not to be asked for again.
        self._due_at = _LONG_AGO
        self._quiet_until = _LONG_AGO
        self._unknown_serial = False

    def fetched_with(self, fetch: Fetch) -> None:
        """How certificates are asked for; the client that asks needs these keys itself."""
        self._fetch = fetch

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: datetime, *, also: Sequence[Certificate] = ()
    ) -> None:
        """Check a signature of the platform with the key that its serial names. Raises Unverified."""
        try:
            Verifier(self._verifying(now, also)).verify(headers, body, now)
        except Unverified as error:
            self._unknown_serial |= error.reason == "unknown_key"
            raise

    def may_learn(self, now: datetime) -> bool:
        """True where ``ready`` would fetch certificates because a signature was made by an unknown key.

        Never with a public key: then the platform was asked to sign with it, and any other signature is a forgery.
        """
        return not self._key_id and self._unknown_serial and now >= self._quiet_until

    async def ready(self, now: datetime) -> None:
        """Before a call whose answer is to be verified: certificates are there, and not older than half a day.

        Raises one of the ten kinds when there is none and none can be fetched.
        """
        if self._key_id:
            return
        if now >= self._due_at or self.may_learn(now):
            await self._renew(now)
        if not self._valid(now):
            raise NO_CERTIFICATE.kind(TOOL, NO_CERTIFICATE.reason, NO_CERTIFICATE.message, account=self._mchid)

    async def learn(self, serial: str, now: datetime) -> None:
        """Before a notification is verified: a 平台证书 that we do not hold is fetched, once a minute at most.

        In a migration to the public key notifications may be signed either way. Raises nothing: what remains
        unknown is refused, and the platform sends it again.
        """
        if serial in self._verifying(now) or not _SERIAL.fullmatch(serial):
            return
        try:
            await self._renew(now)
        except UpstreamError as error:
            log.warning("platform certificates of %s could not be fetched: %s", self._mchid, error)

    async def sealing(self, now: datetime) -> str:
        """The serial to name beside sealed fields: the public key's, or the youngest certificate's."""
        await self.ready(now)
        return self._key_id or max(self._valid(now), key=lambda each: each.begins_at).serial

    def seal(self, serial: str, text: str) -> str:
        """A field that only the platform can read, in base64. The text has at most SEALED_BYTES bytes of UTF-8."""
        key = self._public.get(serial) or self._certificates[serial].key
        return base64.b64encode(key.encrypt(text.encode(), _OAEP)).decode("ascii")

    async def _renew(self, now: datetime) -> None:
        """Fetch, unless somebody just did. A failure costs only whoever has no valid certificate."""
        async with self._lock:
            if now < self._quiet_until or self._fetch is None:
                return
            try:
                found = await self._fetch()
            except NotFound:
                # There are none: a merchant with a public key has no need of any, another needs an operator.
                self._quiet_until = self._due_at = now + (REFRESH if self._key_id else PAUSE)
                return
            except UpstreamError:
                if not self._valid(now):
                    raise
                self._quiet_until = self._due_at = now + PAUSE
                return
            self._quiet_until, self._due_at = now + PAUSE, now + REFRESH
            self._unknown_serial = False
            self._certificates = {each.serial: each for each in (*self._valid(now), *found)}

    def _valid(self, now: datetime) -> list[Certificate]:
        return [each for each in self._certificates.values() if each.valid(now)]

    def _verifying(self, now: datetime, also: Sequence[Certificate] = ()) -> dict[str, RSAPublicKey]:
        certificates = {each.serial: each.key for each in (*self._valid(now), *also) if each.valid(now)}
        return {**self._public, **certificates}
