"""Invented ids and names, derived from a seed and a label so that they never depend on order."""

from __future__ import annotations

import base64
import hashlib
import random

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"
GIVEN = (
    "子涵",
    "雨欣",
    "浩然",
    "思琪",
    "梓萱",
    "佳宁",
    "晨曦",
    "一诺",
    "可欣",
    "嘉怡",
    "俊杰",
    "明轩",
    "诗涵",
    "若曦",
)


def digest(seed: int, label: str) -> bytes:
    """32 bytes that belong to (seed, label)."""
    return hashlib.sha256(f"{seed}/{label}".encode()).digest()


def text(seed: int, label: str, length: int) -> str:
    """``length`` characters of A-Z a-z 0-9 _ -."""
    raw = digest(seed, label) + digest(seed, label + "+")
    return base64.urlsafe_b64encode(raw).decode()[:length]


def alnum(seed: int, label: str, length: int) -> str:
    """``length`` letters and digits."""
    rng = random.Random(digest(seed, label))
    return "".join(rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789") for _ in range(length))


def hexa(seed: int, label: str, length: int) -> str:
    """``length`` hex digits."""
    return (digest(seed, label).hex() + digest(seed, label + "+").hex())[:length]


def digits(seed: int, label: str, length: int) -> str:
    """``length`` decimal digits, the first not zero."""
    number = int.from_bytes(digest(seed, label) + digest(seed, label + "+"))
    return str(number % (9 * 10 ** (length - 1)) + 10 ** (length - 1))


def appid(seed: int, label: str) -> str:
    """An appid: wx and 16 hex digits."""
    return "wx" + hexa(seed, "appid/" + label, 16)


def openid(seed: int, appid_: str, person: str) -> str:
    """28 characters, unique per app and person."""
    return "o" + text(seed, f"openid/{appid_}/{person}", 27)


def unionid(seed: int, person: str) -> str:
    """28 characters."""
    return "o6_" + text(seed, f"unionid/{person}", 25)


def external_userid(seed: int, person: str) -> str:
    """32 characters; wm marks a WeChat user."""
    return "wm" + text(seed, f"external/{person}", 30)


def phone(seed: int, person: str) -> str:
    """An invented mobile number of valid form: eleven digits, 190 in front."""
    return "190" + digits(seed, f"phone/{person}", 8)
