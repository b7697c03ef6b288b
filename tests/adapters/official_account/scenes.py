"""Situations in which the contract suite calls the adapter, and one call in each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from itertools import count
from typing import Any

from adapters.official_account import MenuEntry, OfficialAccountAdapter, SubscribeMessage, WebLogin
from adapters.official_account.sandbox.shelf import MassJob
from sandbox.server import Sandbox

NAME = "official_account"
MENU = (
    MenuEntry("门店", "view", "https://shop.example/stores"),
    MenuEntry("会员", entries=(MenuEntry("积分", "click", "P"),)),
)
JPEG = b"\xff\xd8\xff" + b"-" * 16 + b"\xff\xd9"
_numbers = count(1)

Adapter = OfficialAccountAdapter
Run = Callable[[Adapter, Sandbox], Awaitable[object]]


async def act(sandbox: Sandbox, action: str, **given: Any) -> Mapping[str, Any]:
    """Somebody does something at the platform."""
    app = sandbox.world.official_accounts[0].appid
    return await sandbox.platforms[NAME].actions()[action]({"appid": app, "person": "protagonist", **given})


def known(sandbox: Sandbox) -> Any:
    """What the sandbox prints of the main account."""
    return sandbox.describe()["platforms"][NAME]["known"]["main"]


def shopper(sandbox: Sandbox) -> str:
    """The protagonist's openid."""
    return str(known(sandbox)["followers"]["protagonist"])


def others(sandbox: Sandbox, number: int = 2) -> list[str]:
    """Followers' openids."""
    platform: Any = sandbox.platforms[NAME]
    return list(platform.accounts[sandbox.world.official_accounts[0].appid].subscribed()[:number])


def yesterday(sandbox: Sandbox) -> date:
    """The last day with figures."""
    return (sandbox.kit.clock.now() + timedelta(hours=8)).date() - timedelta(days=1)


def shelf(sandbox: Sandbox) -> Any:
    """What the platform keeps for the main account."""
    platform: Any = sandbox.platforms[NAME]
    return platform.accounts[sandbox.world.official_accounts[0].appid].shelf


def tag(sandbox: Sandbox) -> int:
    """A tag put there behind the adapter's back."""
    platform: Any = sandbox.platforms[NAME]
    account = platform.accounts[sandbox.world.official_accounts[0].appid]
    number = max([99, *account.tags]) + 1
    account.tags[number] = f"标签{next(_numbers)}"
    return number


def media(sandbox: Sandbox) -> str:
    """A picture put there behind the adapter's back."""
    number = f"picture-{next(_numbers)}"
    shelf(sandbox).media[number] = ("image/jpeg", JPEG, sandbox.kit.clock.now())
    return number


async def remark(a: Adapter, s: Sandbox) -> None:
    await a.remark(shopper(s), f"第{next(_numbers)}号")


async def tag_create(a: Adapter, s: Sandbox) -> object:
    del s
    return await a.tag_create(f"新{next(_numbers)}")


async def tag_rename(a: Adapter, s: Sandbox) -> None:
    await a.tag_rename(tag(s), f"改{next(_numbers)}")


async def menu(a: Adapter, s: Sandbox) -> object:
    shelf(s).menu = [{"name": "门店", "type": "click", "key": "S"}]
    return await a.menu()


async def untag(a: Adapter, s: Sandbox) -> None:
    number = tag(s)
    platform: Any = s.platforms[NAME]
    platform.accounts[a.account].followers[shopper(s)].tags.append(number)
    await a.untag(number, [shopper(s)])


async def blacklist_add(a: Adapter, s: Sandbox) -> None:
    shelf(s).blacklist.clear()
    await a.blacklist_add(others(s))


async def blacklist_remove(a: Adapter, s: Sandbox) -> None:
    shelf(s).blacklist = others(s)
    await a.blacklist_remove(others(s))


async def template_delete(a: Adapter, s: Sandbox) -> None:
    platform: Any = s.platforms[NAME]
    platform.accounts[a.account].templates["spare"] = ("thing1",)
    await a.template_delete("spare")


async def subscribe_template_delete(a: Adapter, s: Sandbox) -> None:
    shelf(s).subscribe_templates["spare"] = "到货通知"
    await a.subscribe_template_delete("spare")


async def send_subscribe(a: Adapter, s: Sandbox) -> None:
    number = known(s)["subscribe_templates"]["arrival"]
    shelf(s).grants[shopper(s), number] = 1
    await a.send_subscribe(SubscribeMessage(shopper(s), number, {"thing1": "雾灰到货"}))


async def show_typing(a: Adapter, s: Sandbox) -> None:
    shelf(s).typing.clear()
    await act(s, "say")
    await a.show_typing(shopper(s))


async def mass_to_tag(a: Adapter, s: Sandbox) -> object:
    return await a.mass_to_tag(tag(s), "双11开始了", f"contract-{next(_numbers)}")


async def mass_to_followers(a: Adapter, s: Sandbox) -> object:
    return await a.mass_to_followers(others(s), "双11开始了", f"contract-{next(_numbers)}")


def job(sandbox: Sandbox) -> str:
    """A mass message put there behind the adapter's back."""
    number = 9000 + next(_numbers)
    shelf(sandbox).jobs[number] = MassJob(number, 0, sandbox.kit.clock.now(), "SEND_SUCCESS")
    return str(number)


async def sending_speed_change(a: Adapter, s: Sandbox) -> None:
    shelf(s).speed = 3
    await a.sending_speed_change(1)


async def mass_preview(a: Adapter, s: Sandbox) -> None:
    await a.mass_preview(shopper(s), "双11开始了")


async def scene_code(a: Adapter, s: Sandbox) -> object:
    del s
    return await a.scene_code(f"store_{next(_numbers)}", timedelta(days=1))


async def menu_replace(a: Adapter, s: Sandbox) -> None:
    shelf(s).menu = None
    await a.menu_replace(MENU)


async def menu_delete(a: Adapter, s: Sandbox) -> None:
    shelf(s).menu = [{"name": "门店", "type": "click", "key": "S"}]
    await a.menu_delete()


async def publish(a: Adapter, s: Sandbox) -> object:
    shelf(s).drafts["spare"] = {"news_item": [{"title": "t"}], "update_time": 1717000000}
    return await a.publish("spare")


def publication(sandbox: Sandbox) -> str:
    """Something published behind the adapter's back."""
    article = {"news_item": [{"title": "t", "url": "https://mp.weixin.qq.com/s/a"}], "update_time": 1717000000}
    shelf(sandbox).published["article"] = article
    shelf(sandbox).publications["100000009"] = "article"
    return "100000009"


async def published_articles(a: Adapter, s: Sandbox) -> object:
    publication(s)
    return await a.published_articles("article")


async def media_upload(a: Adapter, s: Sandbox) -> object:
    del s
    return await a.media_upload("image", "coat.jpg", JPEG)


async def login(a: Adapter, s: Sandbox) -> WebLogin:
    """Somebody opened a page and agreed."""
    return await a.web_login(str((await act(s, "web_code", scope="snsapi_userinfo"))["code"]))


async def web_refresh(a: Adapter, s: Sandbox) -> object:
    return await a.web_refresh((await login(a, s)).refresh_token)


async def web_user(a: Adapter, s: Sandbox) -> object:
    return await a.web_user(await login(a, s))


async def web_check(a: Adapter, s: Sandbox) -> None:
    await a.web_check(await login(a, s))
