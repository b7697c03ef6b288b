"""The store itself (微信小店) and its members (小店会员)."""

from __future__ import annotations

from typing import Final

from adapters.base.errors import NotFound
from adapters.base.page import Page
from adapters.base.runtime import Runtime
from adapters.mini_program_store.account import Account
from adapters.mini_program_store.client import ShopClient
from adapters.mini_program_store.config import MiniProgramStoreConfig
from adapters.mini_program_store.models import shop as models
from adapters.mini_program_store.reading import each, instant, number
from adapters.mini_program_store.records.shop import StoreInfo, VipMember

#: Our choice: the vendor states no limit.
MEMBERS_PER_PAGE: Final = 50


class Shop(Account):
    """See ``MiniProgramStoreAdapter``."""

    def __init__(self, config: MiniProgramStoreConfig, runtime: Runtime) -> None:
        super().__init__(config, runtime)
        self._shop = ShopClient(self._api)

    async def store_info(self) -> StoreInfo:
        """The store's name and state."""
        self._must_be("store")
        wire = (await self._shop.basics_info_get()).info
        opened = instant(wire.open_timestamp)
        return StoreInfo(self.account, wire.username, wire.nickname, wire.headimg_url, wire.status, opened)

    async def vip_members(
        self, page: str | None = None, *, with_scores: bool = False, with_phones: bool = False
    ) -> Page[VipMember]:
        """Members of the store, fifty a page; with scores it costs one more call per member."""
        self._must_be("store")
        if page is not None and not (page.isascii() and page.isdecimal() and int(page) >= 1):
            raise self._invalid("cursor", "The page is not one that this list gave out; begin at the first.")
        at = int(page or 1)
        wire = await self._shop.vip_user_list_get(at, MEMBERS_PER_PAGE, with_phones)
        openids = [user.openid for user in wire.list] if with_scores else []
        scores = dict(zip(openids, await each(self._shop.vip_user_score_get, openids), strict=True))
        members = [_member(self.account, user, _score(scores.get(user.openid))) for user in wire.list]
        more = wire.list and at * MEMBERS_PER_PAGE < wire.total_num
        return Page(members, str(at + 1) if more else None)


def _member(appid: str, wire: models.VipUser, score: int | None) -> VipMember:
    return VipMember(
        appid=appid,
        openid=wire.openid,
        unionid=wire.unionid or None,
        grade=wire.user_grade_info.grade,
        experience=number(wire.user_grade_info.experience_value),
        score=score,
        phone=wire.user_info.phone_number or None,
    )


def _score(answer: models.VipScore | NotFound | None) -> int | None:
    """None where it was not asked for, and for a member who left meanwhile."""
    if answer is None or isinstance(answer, NotFound):
        return None
    score = answer.info.score if answer.info is not None else answer.score
    return number(score) if score is not None else None
