"""TLS: who is trusted, and that a failed handshake has sent nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.base.transport import HttpTransport, MaybeSent, NotSent, Request
from tests.adapters.base.raw_server import Scripted, answer, read_request, serving


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
    )


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of the test's own."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def server(self, names: Sequence[x509.GeneralName], *, days: int = 1) -> ssl.SSLContext:
        """A server's context with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = (
            _builder("server", "authority", key.public_key(), days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / f"{own.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + own.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    own = (
        _builder("authority", "authority", key.public_key(), 1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(tmp_path_factory.mktemp("authority"), key, own)


LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


async def test_a_trusted_server_is_asked_and_kept(authority: Authority) -> None:
    server = Scripted([answer(b"x" * 100_000)])
    async with (
        serving(server, authority.server([LOOPBACK])) as url,
        HttpTransport(root_certificates=[authority.pem]) as transport,
    ):
        for _ in range(3):
            got = await transport.send(Request("POST", url, {}, b"y" * 200_000), 5)
            assert got.body == b"x" * 100_000
    assert server.connections == 1
    assert [len(request.partition(b"\r\n\r\n")[2]) for request in server.requests] == [200_000] * 3


async def test_the_server_is_told_whom_we_want_and_which_protocol(authority: Authority) -> None:
    names: list[str | None] = []
    context = authority.server([x509.DNSName("localhost")])
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    protocols = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocols.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        await read_request(reader)
        writer.write(answer())
        await reader.read()

    async with serving(serve, context) as url, HttpTransport(root_certificates=[authority.pem]) as transport:
        await transport.send(Request("GET", url.replace("127.0.0.1", "localhost")), 5)
    assert (names, protocols) == (["localhost"], ["http/1.1"])


@pytest.mark.parametrize(
    ("names", "days", "trusted", "says"),
    [
        ([LOOPBACK], 1, False, "certificate refused: .*issuer"),
        ([x509.DNSName("other.example")], 1, True, "certificate refused: .*mismatch"),
        ([LOOPBACK], -1, True, "certificate refused: .*expired"),
    ],
)
async def test_who_is_not_trusted_is_sent_nothing(
    authority: Authority, names: list[x509.GeneralName], days: int, trusted: bool, says: str
) -> None:
    server = Scripted([answer()])
    roots = [authority.pem] if trusted else []
    async with (
        serving(server, authority.server(names, days=days)) as url,
        HttpTransport(root_certificates=roots) as transport,
    ):
        with pytest.raises(NotSent, match=says):
            await transport.send(Request("POST", url + "/?access_token=verysecret", {}, b"x"), 5)
    assert server.requests == []


async def test_an_old_protocol_is_refused(authority: Authority) -> None:
    context = authority.server([LOOPBACK])
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    server = Scripted([answer()])
    async with serving(server, context) as url, HttpTransport(root_certificates=[authority.pem]) as transport:
        with pytest.raises(NotSent):
            await transport.send(Request("GET", url), 5)
    assert server.requests == []


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x01"])
async def test_a_handshake_that_goes_wrong_has_sent_nothing(says: bytes) -> None:
    heard = b""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard = await reader.read(65536)
        writer.write(says)
        await writer.drain()

    async with serving(plain) as url, HttpTransport() as transport:
        with pytest.raises(NotSent):
            await transport.send(Request("POST", url.replace("http:", "https:"), {}, b"verysecret"), 5)
    assert heard
    assert b"verysecret" not in heard


async def test_a_handshake_without_end_is_not_sent_either() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    async with serving(silent) as url, HttpTransport() as transport:
        with pytest.raises(NotSent, match="no connection in time"):
            await transport.send(Request("POST", url.replace("http:", "https:"), {}, b"x"), 0.1)


async def test_an_end_that_is_not_announced_is_no_end_of_an_answer(authority: Authority) -> None:
    """Whoever can cut the connection could otherwise shorten an answer that has no length."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await writer.drain()
        writer.transport.abort()

    async with (
        serving(cut, authority.server([LOOPBACK])) as url,
        HttpTransport(root_certificates=[authority.pem]) as transport,
    ):
        with pytest.raises(MaybeSent):
            await transport.send(Request("GET", url), 5)


async def test_an_announced_end_is_one(authority: Authority) -> None:
    server = Scripted([b"HTTP/1.1 200 OK\r\n\r\nwhole"], close=True)
    async with (
        serving(server, authority.server([LOOPBACK])) as url,
        HttpTransport(root_certificates=[authority.pem]) as transport,
    ):
        assert (await transport.send(Request("GET", url), 5)).body == b"whole"
