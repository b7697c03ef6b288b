"""Who makes the calls: our adapters, aiohttp and httpx by hand, and each vendor's SDK.

By hand means what a developer would write who needs this one call: the signature, one client kept open, the answer
parsed, its signature verified where it has one. Nothing of retries, deadlines, quotas or breakers, which ours has. SDKs
are unmodified and asked as their documentation shows it; blocking ones on threads, as many as calls at once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
import httpx
import msgspec
import orjson
import wechatpayv3
import wechatpayv3.async_
import wechatpy
import wechatpy.work
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from qcloud_cos import CosConfig, CosS3Client
from tencentcloud.common import credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sts.v20180813 import models as sts_models
from tencentcloud.sts.v20180813.sts_client import StsClient

from adapters.base.runtime import Runtime
from adapters.base.secrets import Secret
from adapters.base.transport import HttpTransport
from adapters.cloud_storage import Permission
from adapters.registry import TOOLS
from gateway.runtime import CountingMeter, MemoryTokenStore, Quotas, SystemClock

#: Returns what the call told, the same for every caller of it.
Call = Callable[[], Awaitable[object]]
#: ``await get(method, url, headers)``: the body and the headers of an answer that went well.
Send = Callable[[str, str, Mapping[str, str]], Awaitable[tuple[bytes, Mapping[str, str]]]]

KEY = "benchmark/file.txt"
CONTENT = b"x" * 1000


@dataclass(frozen=True, slots=True)
class Upstream:
    """The emulated platforms: settings by tool and alias, and ids to ask for."""

    platforms: Mapping[str, Any]
    asked: Mapping[str, str]

    def account(self, tool: str, alias: str = "main") -> dict[str, Any]:
        """Settings of an account."""
        return dict(self.platforms[tool]["accounts"][alias])


@asynccontextmanager
async def callers(upstream: Upstream, at_once: int) -> AsyncIterator[dict[str, dict[str, Call]]]:
    """By call and caller; ``ours`` is the first of each."""
    async with AsyncExitStack() as stack:
        adapters = await stack.enter_async_context(_adapters(upstream))
        by_hand = {
            "aiohttp": await stack.enter_async_context(_aiohttp(at_once)),
            "httpx": await stack.enter_async_context(_httpx(at_once)),
        }
        threads = stack.enter_context(ThreadPoolExecutor(at_once))
        loop = asyncio.get_running_loop()

        def blocking(function: Callable[[], object]) -> Call:
            async def call() -> object:
                return await loop.run_in_executor(threads, function)

            return call

        await adapters["cloud_storage"].put(KEY, CONTENT, content_type="text/plain")
        yield {
            "official_account.tags": await _tags(upstream, adapters, by_hand, blocking),
            "enterprise_chat.employee": await _employee(upstream, adapters, by_hand, blocking),
            "payments.payment": await _payment(upstream, adapters, by_hand, blocking, stack),
            "cloud_storage.head": _head(upstream, adapters, by_hand, blocking),
            "cloud_storage.temporary_key": _temporary_key(upstream, adapters, blocking),
        }


@asynccontextmanager
async def _adapters(upstream: Upstream) -> AsyncIterator[Mapping[str, Any]]:
    """Ours, with slots, breaker, deadline, quota and meter as in production."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        runtime = Runtime(
            transport=await stack.enter_async_context(HttpTransport()),
            clock=clock,
            sleep=asyncio.sleep,
            token_store=MemoryTokenStore(),
            secret_store=cast(Any, None),
            quota=Quotas(clock),
            meter=CountingMeter(),
            sql=cast(Any, None),
            pseudonym=lambda text: text,
        )
        found = {}
        for spec in TOOLS:
            if spec.name in upstream.platforms:
                settings = upstream.account(spec.name, "members" if spec.name == "cloud_storage" else "main")
                config = msgspec.convert(settings, spec.config, dec_hook=lambda _, value: Secret(value))
                found[spec.name] = await stack.enter_async_context(spec.open(config, runtime))
        yield found


@asynccontextmanager
async def _aiohttp(at_once: int) -> AsyncIterator[Send]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:

        async def send(method: str, url: str, headers: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
            async with session.request(method, url, headers=headers) as answer:
                answer.raise_for_status()
                return await answer.read(), answer.headers

        yield send


@asynccontextmanager
async def _httpx(at_once: int) -> AsyncIterator[Send]:
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:

        async def send(method: str, url: str, headers: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
            answer = await client.request(method, url, headers=dict(headers))
            answer.raise_for_status()
            return answer.content, answer.headers

        yield send


Blocking = Callable[[Callable[[], object]], Call]


async def _tags(
    upstream: Upstream, adapters: Mapping[str, Any], by_hand: Mapping[str, Send], blocking: Blocking
) -> dict[str, Call]:
    """公众号: a GET with a token that is known, and a small JSON answer."""
    account = upstream.account("official_account")
    base, appid, secret = account["base_url"], account["appid"], account["secret"]
    asked = f"grant_type=client_credential&appid={appid}&secret={secret}"
    token = await _token(by_hand, f"{base}/cgi-bin/token?{asked}")
    sdk = wechatpy.WeChatClient(appid, secret, access_token=token)
    sdk.API_BASE_URL = f"{base}/cgi-bin/"

    async def ours() -> object:
        return [tag.name for tag in await adapters["official_account"].tags()]

    def hand(send: Send) -> Call:
        async def call() -> object:
            body, _ = await send("GET", f"{base}/cgi-bin/tags/get?access_token={token}", {})
            answer = orjson.loads(body)
            if answer.get("errcode"):
                raise RuntimeError(answer["errcode"])
            return [tag["name"] for tag in answer["tags"]]

        return call

    return {
        "ours": ours,
        **{name: hand(send) for name, send in by_hand.items()},
        "wechatpy": blocking(lambda: [tag["name"] for tag in sdk.tag.get()]),
    }


async def _token(by_hand: Mapping[str, Send], url: str) -> str:
    """An access token for those who do not keep one: fetching it is not what is measured, and wechatpy's address for
    it is fixed."""
    body, _ = await by_hand["aiohttp"]("GET", url, {})
    return str(orjson.loads(body)["access_token"])


async def _employee(
    upstream: Upstream, adapters: Mapping[str, Any], by_hand: Mapping[str, Send], blocking: Blocking
) -> dict[str, Call]:
    """企业微信: the same, of another host."""
    account, userid = upstream.account("enterprise_chat"), upstream.asked["userid"]
    base = account["base_url"]
    asked = f"corpid={account['corpid']}&corpsecret={account['app_secret']}"
    token = await _token(by_hand, f"{base}/cgi-bin/gettoken?{asked}")
    sdk = wechatpy.work.WeChatClient(account["corpid"], account["app_secret"], access_token=token)
    sdk.API_BASE_URL = f"{base}/cgi-bin/"

    async def ours() -> object:
        [found] = await adapters["enterprise_chat"].employees([userid])
        return found.name

    return {"ours": ours, "wechatpy": blocking(lambda: sdk.user.get(userid)["name"])}


async def _payment(
    upstream: Upstream,
    adapters: Mapping[str, Any],
    by_hand: Mapping[str, Send],
    blocking: Blocking,
    stack: AsyncExitStack,
) -> dict[str, Call]:
    """微信支付: an RSA signature over the request, another to verify over the answer."""
    account, number = upstream.account("payments"), upstream.asked["out_trade_no"]
    base, mchid = account["base_url"], account["mchid"]
    key = cast(rsa.RSAPrivateKey, serialization.load_pem_private_key(account["merchant_private_key"].encode(), None))
    public = cast(rsa.RSAPublicKey, serialization.load_pem_public_key(account["platform_public_key"].encode()))
    path = f"/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}"
    given = {
        "wechatpay_type": wechatpayv3.WeChatPayType.MINIPROG,
        "mchid": mchid,
        "private_key": account["merchant_private_key"],
        "cert_serial_no": account["merchant_serial"],
        "appid": account["appids"][0],
        "apiv3_key": account["apiv3_key"],
        "notify_url": "https://brand.example/notify",
        "public_key": account["platform_public_key"],
        "public_key_id": account["platform_key_id"],
    }
    sdk = wechatpayv3.WeChatPay(**given)
    sdk._core._gate_way = base  # noqa: SLF001 — it offers no other way to another host
    kind = wechatpayv3.async_.WeChatPayType.MINIPROG
    async_sdk = await stack.enter_async_context(wechatpayv3.async_.AsyncWeChatPay(**{**given, "wechatpay_type": kind}))
    async_sdk._core._gate_way = base  # noqa: SLF001

    def total(body: str | bytes) -> object:
        answer = orjson.loads(body)
        return answer["trade_state"], answer["amount"]["total"]

    async def ours() -> object:
        found = await adapters["payments"].payment(number)
        return found.state.value, found.total

    def hand(send: Send) -> Call:
        async def call() -> object:
            now, nonce = str(int(time.time())), secrets.token_hex(16)
            text = f"GET\n{path}\n{now}\n{nonce}\n\n".encode()
            signature = base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
            fields = {
                "mchid": mchid, "nonce_str": nonce, "timestamp": now,
                "serial_no": account["merchant_serial"], "signature": signature,
            }  # fmt: skip
            shown = ",".join(f'{name}="{value}"' for name, value in fields.items())
            headers = {
                "Authorization": f"WECHATPAY2-SHA256-RSA2048 {shown}",
                "Accept": "application/json",
                "Wechatpay-Serial": account["platform_key_id"],
            }
            body, told = await send("GET", base + path, headers)
            signed = f"{told['Wechatpay-Timestamp']}\n{told['Wechatpay-Nonce']}\n{body.decode()}\n".encode()
            public.verify(base64.b64decode(told["Wechatpay-Signature"]), signed, padding.PKCS1v15(), hashes.SHA256())
            return total(body)

        return call

    async def sdk_async() -> object:
        return total((await async_sdk.query(out_trade_no=number))[1])

    return {
        "ours": ours,
        **{name: hand(send) for name, send in by_hand.items()},
        "wechatpayv3": blocking(lambda: total(sdk.query(out_trade_no=number)[1])),
        "wechatpayv3_async": sdk_async,
    }


def _head(
    upstream: Upstream, adapters: Mapping[str, Any], by_hand: Mapping[str, Send], blocking: Blocking
) -> dict[str, Call]:
    """对象存储 COS: an HMAC signature, and an answer of headers only."""
    account = upstream.account("cloud_storage", "members")
    base, host = account["base_url"], f"{account['bucket']}.cos.{account['region']}.myqcloud.com"
    given = {"SecretId": account["secret_id"], "SecretKey": account["secret_key"], "Region": account["region"]}
    domain = urlsplit(base).netloc
    sdk = CosS3Client(CosConfig(Scheme="http", Domain=domain, **given), retry=0)

    async def ours() -> object:
        [found] = await adapters["cloud_storage"].heads([KEY])
        return found.size

    def hand(send: Send) -> Call:
        def hashed(secret: str, text: str) -> str:
            return hmac.new(secret.encode(), text.encode(), hashlib.sha1).hexdigest()

        async def call() -> object:
            now = int(time.time())
            span = f"{now - 60};{now + 600}"
            asked = f"head\n/{KEY}\n\nhost={host}\n"
            to_sign = f"sha1\n{span}\n{hashlib.sha1(asked.encode()).hexdigest()}\n"  # noqa: S324 — COS asks for it
            signature = hashed(hashed(account["secret_key"], span), to_sign)
            authorization = (
                f"q-sign-algorithm=sha1&q-ak={account['secret_id']}&q-sign-time={span}&q-key-time={span}"
                f"&q-header-list=host&q-url-param-list=&q-signature={signature}"
            )
            headers = {"Authorization": authorization, "Host": host}
            _, told = await send("HEAD", f"{base}/{KEY}", headers)
            return int(told["Content-Length"])

        return call

    return {
        "ours": ours,
        **{name: hand(send) for name, send in by_hand.items()},
        "cos-python-sdk-v5": blocking(
            lambda: int({n.lower(): v for n, v in sdk.head_object(account["bucket"], KEY).items()}["content-length"])
        ),
    }


def _temporary_key(upstream: Upstream, adapters: Mapping[str, Any], blocking: Blocking) -> dict[str, Call]:
    """腾讯云 API 3.0: a TC3 signature."""
    account = upstream.account("cloud_storage", "members")
    url = urlsplit(account["sts_url"])
    http = HttpProfile(protocol=url.scheme, endpoint=url.netloc, keepAlive=True)
    pair = credential.Credential(account["secret_id"], account["secret_key"])
    sdk = StsClient(pair, account["region"], ClientProfile(httpProfile=http))

    async def ours() -> object:
        found = await adapters["cloud_storage"].temporary_key(KEY, Permission.READ, expires_in=900)
        return bool(found.token.reveal())

    def theirs() -> object:
        asked = sts_models.GetFederationTokenRequest()
        asked.Name, asked.DurationSeconds = "benchmark", 900
        asked.Policy = '{"version":"2.0","statement":[]}'
        return bool(sdk.GetFederationToken(asked).Credentials.Token)

    return {"ours": ours, "tencentcloud-sdk-python": blocking(theirs)}
