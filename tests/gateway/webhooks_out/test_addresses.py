"""Nothing is sent to where only this machine can reach, whatever a URL or a name server says."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.database.clock import SystemClock
from gateway.settings import SettingsError, from_mapping
from gateway.webhooks.addresses import Addresses, AddressRefused
from gateway.webhooks.sending import Answered, Sender
from tests.gateway.webhooks_out.receiver import Receiver

LIVE = Addresses()
SANDBOX = Addresses(sandbox=True)

FORBIDDEN = [
    "0.0.0.0", "0.1.2.3",  # noqa: S104 - nobody binds to it
    "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.8.8.8", "169.254.0.23",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "168.63.129.16", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1",
    "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "101.32.118.25", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2408:8000::1"]


def host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def nothing(name: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{name}:{port} was resolved")


@pytest.mark.parametrize("address", FORBIDDEN)
async def test_forbidden_in_the_url_and_behind_a_name(address: str) -> None:
    async def resolve(name: str, port: int) -> Sequence[str]:
        return ["1.1.1.1", address]

    with pytest.raises(AddressRefused):
        LIVE.target(f"https://{host(address)}/hooks")
    with pytest.raises(AddressRefused):
        await LIVE.addresses(LIVE.target("https://hooks.example.com/"), resolve)


@pytest.mark.parametrize("address", PUBLIC)
async def test_public_addresses(address: str) -> None:
    async def resolve(name: str, port: int) -> Sequence[str]:
        return [address]

    assert await LIVE.addresses(LIVE.target(f"https://{host(address)}/hooks"), nothing) == [address]
    assert await LIVE.addresses(LIVE.target("https://hooks.example.com/"), resolve) == [address]


def test_no_special_registry_entry_was_forgotten() -> None:
    """What the standard library calls private, reserved or multicast is forbidden here too."""
    networks = [*ipaddress.IPv4Network("0.0.0.0/0").subnets(new_prefix=8), ipaddress.IPv4Network("192.0.0.0/24")]
    for network in networks:
        for address in (network[0], network[1], network[-1]):
            if not address.is_global or address.is_multicast or address.is_reserved:
                with pytest.raises(AddressRefused):
                    LIVE.check(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/", "ftp://hooks.example.com/", "https://", "https:///path", "hooks.example.com/",
        "https://user@hooks.example.com/", "https://user:pw@hooks.example.com/", "https://hooks.example.com/#part",
        "https://hooks.example.com:0/", "https://hooks.example.com:99999/", "https://hooks.example.com/ a",
        "https://hooks.example.com\\@10.0.0.1/", "https://hooks.example.com/\r\nhost: other", "https://例.example/",
        "https://[fe80::1%25eth0]/", "https://[::1", "http://127.0.0.1/", "https://a.example/" + "x" * 2048,
    ],
)  # fmt: skip
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        LIVE.target(url)


async def test_loopback_is_for_the_sandbox_and_without_tls_for_nobody_else() -> None:
    async def inside(name: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def outside(name: str, port: int) -> Sequence[str]:
        return ["8.8.8.8"]

    assert await SANDBOX.addresses(SANDBOX.target("http://localhost:8080/a?b=c"), inside) == ["127.0.0.1"]
    with pytest.raises(AddressRefused):
        await SANDBOX.addresses(SANDBOX.target("http://localhost/"), outside)
    for url in ("http://hooks.example.com/", "http://10.0.0.1/", "https://10.0.0.1/", "http://8.8.8.8/"):
        with pytest.raises(AddressRefused):
            SANDBOX.target(url)


async def test_networks_of_a_setting() -> None:
    addresses = Addresses(["10.20.0.0/16", "fd12::/16"])
    assert addresses.target("https://10.20.3.4/").host == "10.20.3.4"
    assert addresses.target("https://[fd12::1]/").host == "fd12::1"
    assert addresses.target("https://[::ffff:10.20.3.4]/").host == "::ffff:10.20.3.4"
    for url in ("https://10.21.0.1/", "https://[fd13::1]/", "http://10.20.3.4/"):
        with pytest.raises(AddressRefused):
            addresses.target(url)
    with pytest.raises(SettingsError, match="allowed_networks"):
        from_mapping({"environment": "sandbox", "webhooks": {"allowed_networks": ["10.0.0.1/8"]}})


def sender(addresses: Addresses, names: Iterator[Sequence[str]], **options: object) -> Sender:
    async def resolve(name: str, port: int) -> Sequence[str]:
        return next(names)

    options = {"seconds": 10.0} | options
    return Sender(addresses, SystemClock(), resolve=resolve, **options)  # type: ignore[arg-type]


async def test_redirects_are_not_followed(receiver: Receiver, other: Receiver) -> None:
    receiver.reply, receiver.extra = (lambda _: 307), {"location": other.url}
    send = Sender(SANDBOX, SystemClock(), seconds=10)
    assert await send.post(receiver.url, {}, b"{}") == Answered(307, "WEBHOOK_REDIRECTED")
    assert (len(receiver.seen), other.seen) == (1, [])


@asynccontextmanager
async def answering(*pieces: bytes, hold: bool = False) -> AsyncIterator[str]:
    """A server that writes these pieces at once, whatever it is asked, and then hangs up, or not."""
    released = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if hold:
                await released.wait()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        released.set()


@pytest.mark.parametrize(
    ("pieces", "hold", "code"),
    [
        ((b"",), True, "WEBHOOK_TIMEOUT"),
        ((b"HTTP/1.1 200 OK\r\n",), True, "WEBHOOK_TIMEOUT"),
        ((b"",), False, "WEBHOOK_UNREACHABLE"),
        ((b"SSH-2.0-OpenSSH\r\n",), False, "WEBHOOK_UNREACHABLE"),
        ((b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,), True, "WEBHOOK_UNREACHABLE"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", *[b"z" * 65536] * 100), True, None),
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n",), True, None),
        ((b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",), True, None),
    ],
)
async def test_answers_that_never_end(pieces: tuple[bytes, ...], hold: bool, code: str | None) -> None:
    send = Sender(SANDBOX, SystemClock(), seconds=1.5)
    async with answering(*pieces, hold=hold) as url:
        assert (await send.post(url, {}, b"{}")).code == code


async def test_nobody_listens() -> None:
    async with answering() as url:
        pass
    assert await Sender(SANDBOX, SystemClock(), seconds=10).post(url, {}, b"") == Answered(None, "WEBHOOK_UNREACHABLE")


@contextmanager
def certificate(folder: Path, name: str) -> Iterator[Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    yield path


@asynccontextmanager
async def secured(folder: Path, name: str, heads: list[bytes]) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """A server on 127.0.0.1 with a certificate of this name: its port, and who trusts it. ``heads`` gets requests."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    with certificate(folder, name) as path:
        server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server_side.load_cert_chain(path)
        trust = ssl.create_default_context(cafile=str(path))
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_side) as server:
        yield server.sockets[0].getsockname()[1], trust


async def test_a_name_that_changes_its_mind(tmp_path: Path) -> None:
    """DNS rebinding: a name is resolved once per attempt, and the connection goes to what was judged."""
    seen: list[bytes] = []
    asked = iter([["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "169.254.169.254"], ["127.0.0.1"]])
    async with secured(tmp_path, "hooks.example.com", seen) as (port, trust):
        # Nobody but the resolver of this test knows the name: only the judged address can have been connected to.
        send = sender(Addresses(["127.0.0.0/8"]), asked, trust=trust)
        url = f"https://hooks.example.com:{port}/hooks"
        assert await send.post(url, {}, b"{}") == Answered(204, None)
        assert await send.post(url, {}, b"{}") == Answered(None, "WEBHOOK_ADDRESS_REFUSED")
        # One bad address among good ones is a refusal, not a choice.
        assert await send.post(url, {}, b"{}") == Answered(None, "WEBHOOK_ADDRESS_REFUSED")
        assert len(seen) == 1
        assert await send.post(url, {}, b"{}") == Answered(204, None)
    assert (len(seen), next(asked, None)) == (2, None)


async def test_the_certificate_is_checked_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    seen: list[bytes] = []
    async with secured(tmp_path, "hooks.example.com", seen) as (port, trust):
        names = iter([["127.0.0.1"]] * 3)
        addresses = Addresses(["127.0.0.0/8"])
        send = sender(addresses, names, trust=trust)
        assert await send.post(f"https://hooks.example.com:{port}/a?b=c", {}, b"{}") == Answered(204, None)
        assert await send.post(f"https://other.example.com:{port}/", {}, b"{}") == Answered(None, "WEBHOOK_UNREACHABLE")
        untrusting = sender(addresses, names)
        assert (await untrusting.post(f"https://hooks.example.com:{port}/", {}, b"{}")).code == "WEBHOOK_UNREACHABLE"
    assert [each.split(b"\r\n")[0] for each in seen] == [b"POST /a?b=c HTTP/1.1"]
    assert f"host: hooks.example.com:{port}".encode() in seen[0]
