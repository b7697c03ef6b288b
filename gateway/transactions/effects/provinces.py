"""Provinces (省级行政区) as the master data names them, and as licences do: ISO 3166-2."""

from __future__ import annotations

from typing import Final

_CODES: Final = {
    "安徽": "AH", "澳门": "MO", "北京": "BJ", "重庆": "CQ", "福建": "FJ", "甘肃": "GS", "广东": "GD", "广西": "GX",
    "贵州": "GZ", "海南": "HI", "河北": "HE", "河南": "HA", "黑龙江": "HL", "湖北": "HB", "湖南": "HN", "吉林": "JL",
    "江苏": "JS", "江西": "JX", "辽宁": "LN", "内蒙古": "NM", "宁夏": "NX", "青海": "QH", "山东": "SD", "山西": "SX",
    "陕西": "SN", "上海": "SH", "四川": "SC", "台湾": "TW", "天津": "TJ", "西藏": "XZ", "香港": "HK", "新疆": "XJ",
    "云南": "YN", "浙江": "ZJ",
}  # fmt: skip


def province_code(region: str) -> str | None:
    """ISO 3166-2 of a region such as 浙江, 浙江省 or 内蒙古自治区; None for one that is no province."""
    text = region.strip()
    return next((f"CN-{code}" for name, code in _CODES.items() if text.startswith(name)), None)
