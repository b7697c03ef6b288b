"""What the platform allows a newly registered, verified account a day (vendor page: 接口调用频次).

The caps grow with the number of followers, and 测试号 have less: what mp.weixin.qq.com shows under 接口权限
goes into the account's setting ``limits``. They begin anew at midnight in Beijing, or when somebody clears
them: POST /cgi-bin/clear_quota, in the console 清零, 10 times a month for both together (48006 afterwards).
Then tell the gateway: ``retail-gateway quotas clear``.
"""

from __future__ import annotations

from typing import Final

from adapters.base.limits import Limits, limits

LIMITS: Final[Limits] = {
    "user_get": limits(day=500),
    # Reported by users; the page has no figure.
    "tags_get": limits(day=1000),
    # Not confirmed by the vendor.
    "template_send": limits(day=100_000),
    # For fewer than 100,000 followers, by the vendor's table of 客服接口.
    "custom_send": limits(day=500_000),
    "user_info_updateremark": limits(day=10_000),
    "media_upload": limits(day=100_000),
    "media_get": limits(day=200_000),
    "menu_create": limits(day=1000),
    "menu_get": limits(day=10_000),
    "menu_delete": limits(day=1000),
    "qrcode_create": limits(day=100_000),
    "mass_sendall": limits(day=100),
    "mass_send": limits(day=100),
    # Not confirmed by the vendor.
    "mass_preview": limits(day=100),
    "draft_get": limits(day=500),
    "draft_batchget": limits(day=1000),
    "freepublish_submit": limits(day=100),
    "freepublish_get": limits(day=100),
    "freepublish_batchget": limits(day=100),
    "freepublish_getarticle": limits(day=100),
    "stable_token": limits(minute=10_000, day=500_000),
}
