"""The platforms' public host names on loopback: an HTTP proxy that ends TLS and passes bytes to the sandbox.

SDKs are not changed and not configured for us: like any program behind a company's proxy they find it, and the
authority to trust, in the environment. For a host name of ours the tunnel that they ask for (``CONNECT host:443``) ends
in a certificate of the test's own authority and goes on to that platform's port; any other name is refused.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

#: Where each tool lives in the world: exact host names, and ``*.`` for one more label or several.
HOSTS: Mapping[str, tuple[str, ...]] = {
    "official_account": ("api.weixin.qq.com", "mp.weixin.qq.com"),
    "mini_program_store": ("api.weixin.qq.com",),
    "payments": ("api.mch.weixin.qq.com",),
    "enterprise_chat": ("qyapi.weixin.qq.com",),
    "social_ads": ("api.e.qq.com",),
    "cloud_storage": ("*.myqcloud.com", "sts.tencentcloudapi.com"),
}


def serves(pattern: str, host: str) -> bool:
    """Whether a pattern of HOSTS covers the host."""
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority that lives as long as a test."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path) -> Authority:
        """A new one; its certificate lies in the folder as ``ca.pem``."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate("Test authority", key, None, ())
        (folder / "ca.pem").write_bytes(made.public_bytes(Encoding.PEM))
        return cls(folder, key, made)

    @property
    def bundle(self) -> Path:
        """What a client has to trust."""
        return self.folder / "ca.pem"

    def context(self, host: str) -> ssl.SSLContext:
        """A server's side of TLS, under that name."""
        path = self.folder / f"{host}.pem"
        if not path.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            made = _certificate(host, key, self, (host,))
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            path.write_bytes(private + made.public_bytes(Encoding.PEM))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        return context


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: Authority | None, hosts: tuple[str, ...]
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:60])])
    now = datetime.now(UTC)
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in hosts]), False)
    return builder.sign(signer, hashes.SHA256())


@dataclass(slots=True)
class Front:
    """A running front. ``seen`` are the hosts that clients asked for, in order."""

    authority: Authority
    targets: Mapping[str, str]
    seen: list[str]
    url: str = ""
    _open: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a process must have in its environment to be served by it."""
        bundle = str(self.authority.bundle)
        proxy = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self.url)
        return {**proxy, "REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle, "CURL_CA_BUNDLE": bundle}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One tunnel."""
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            try:
                await self._tunnel(reader, writer)
            finally:
                writer.transport.abort()
                del self._open[task]

    async def close(self) -> None:
        """Cut all tunnels: SDKs keep theirs open for the next call."""
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # A cut transport closes its socket in the loop's next turn, one over TLS in the turn after.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        verb, address, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ", 2)
        host = address.partition(":")[0]
        target = next((self.targets[each] for each in self.targets if serves(each, host)), None)
        if verb != "CONNECT" or target is None:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        self.seen.append(host)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        await writer.start_tls(self.authority.context(host))
        name, _, port = target.removeprefix("http://").partition(":")
        to_reader, to_writer = await asyncio.open_connection(name, int(port))
        try:
            await asyncio.gather(_pass(reader, to_writer), _pass(to_reader, writer))
        finally:
            to_writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@asynccontextmanager
async def fronting(folder: Path, urls: Mapping[str, str]) -> AsyncIterator[Front]:
    """A front for the platforms at these addresses, by tool name."""
    targets = {host: url for tool, url in urls.items() for host in HOSTS[tool]}
    front = Front(Authority.create(folder), targets, [])
    server = await asyncio.start_server(front.handle, "127.0.0.1", 0)
    front.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield front
    finally:
        server.close()
        await front.close()
