"""Callback samples: the vendor's published one, and others recomputed with independent libraries."""

from __future__ import annotations

from dataclasses import dataclass

VENDOR_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"


@dataclass(frozen=True)
class Vector:
    """One encrypted callback. ``message`` is empty where only parts of it are known."""

    token: str
    aes_key: str
    receive_id: str
    timestamp: str
    nonce: str
    encrypted: str
    signature: str
    message: str = ""
    prefix: bytes = b""


PUBLISHED = Vector(
    "QDG6eK",
    VENDOR_KEY,
    "wx5823bf96d3bd56c7",
    "1409659813",
    "1372623149",
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W"
    "/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HM"
    "ZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3L"
    "AVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28"
    "H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==",
    "477715d11cdb4164915debcba66cb864d751f3e6",
)
DETERMINISTIC = Vector(
    "123456",
    "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR",
    "wx49f0ab532d5d035a",
    "1411525903",
    "461056294",
    "9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk+j3nba4HMOTzHrluLBYqxgNcBqGsL8GqxlhZgURn"
    "AtObvesEl5nZ+uBE8bviY0LWke8Zy9V/QYKxNV2FqllNXcfmstttyIkMKCCmVbCFM2JTF5wY0nFhHZSjPUL2Q1qvSUCUld+/WIXrx0oy"
    "KQmpB6o8NRrrNrsDf03oxI1p9FxUgMnwKKZeOA/uu+2IEvEBtb7muXsVbwbgX05UPPJvFurDXafG0RQyPR+mf1nDnAtQmmNOuiR5MIkd"
    "Q39xn1vWwi1O5oazPoQJz0nTYjxxEE8kv3kFxtAGVRe3ypD3WeK2XeFYFMNMpatF9XiKzHo3",
    "407518b7649e86ef23978113f92d27afa9296533",
    "<xml>\n"
    "<MsgType><![CDATA[text]]></MsgType>\n"
    "<Content><![CDATA[test]]></Content>\n"
    "<FromUserName><![CDATA[wx49f0ab532d5d035a]]></FromUserName>\n"
    "<ToUserName><![CDATA[messense]]></ToUserName>\n"
    "<AgentID>1</AgentID>\n"
    "<CreateTime>1411525903</CreateTime>\n"
    "</xml>",
    b"1234567890123456",
)
SCAN = Vector(
    "QDG6eK",
    VENDOR_KEY,
    "wx5823bf96d3bd56c7",
    "1700000000",
    "n0nce42",
    "7ho9XWI/HTOA1L6oduAxX5yeW5TrDnjSSNDDfDdwHfMMVQBhiSIA1Y+/X95dre3BmgZUA7Gh19q4dJyeBeATj68djsU6w2+xGoJ0YKep"
    "NJrZYnwMq55ZbcTEfFChTurxlTJJK770epW8WKJP0sjAcDNB1I8M4DL9rS9H5ltvOf/jMymq6zNyHdPgv4jCD5CaeCETd++SY0CFaIMg"
    "9ceVsnkKLucsAzEzJ+Kbswd7lXl8rWFSIwuqBzmvlDx+m7++ogDfti1MVRvfEX8a+7H7RkgqOsoMIfNd6Yumuq7GPeEcXAF8R+rJQzEy"
    "McXWAqKprF+q8Hm6k7k293aeJeaudYU6nKBxTcEPA5jrLkQb2qAL4/rMDVnZPdtgyKC0+jsPvcq8Er/ZPj4ic75CVfXrawXrqaPWwgTt"
    "0BFZQ4WHxT5SI+cjgcorGp5kGGNyZ7nZqzAgIsSnqmw71OV1GRS1xg==",
    "e5ac8abb94662168ab0314670c172156df2b3d2c",
    "<xml><ToUserName><![CDATA[gh_demo0001]]></ToUserName><FromUserName><![CDATA[oDemo-user-1]]></FromUserName>"
    "<CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[SCAN]]></Event>"
    "<EventKey><![CDATA[store_88]]></EventKey><Ticket><![CDATA[TICKET1]]></Ticket></xml>",
    b"abcdefghijklmnop",
)
#: The echo of enterprise chat is encrypted.
ECHO = Vector(
    "123456",
    DETERMINISTIC.aes_key,
    "wx49f0ab532d5d035a",
    "1411443780",
    "437374425",
    "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==",
    "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96",
    "5927782489442352469",
)
_CORP = ("UpstreamToken01", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "ww0123456789abcdef")
_CORP_PREFIX = b"0123456789abcdef"
FULL_PAD = Vector(
    *_CORP,
    "1700000002",
    "nonce-c3",
    "Q3stYC6hdFzMh9T8HCvyDMDF2RXr9TH5YKOAWiIrtSyix7i9Qs+e5sfTLWSKFU2HZgj94UCSx3XkD+C3JQyhgkbcLqjMFZaKsq6OwI6K"
    "ymo/VvGAO80T9G9jiNhBe1xS",
    "bf0abb01254c031e76490e7f82a4c87a15b4208c",
    "A" * 26,
    _CORP_PREFIX,
)
CHINESE = Vector(
    *_CORP,
    "1700000003",
    "nonce-d4",
    "Q3stYC6hdFzMh9T8HCvyDPvpxG+f2NpHfAMSuy9EYfWDHAOd+gcwnfiWkhGRTe/ZS+ZOFRWgiQuy6pnseuYNGA==",
    "f5162ca47f90853a8d611f63d01cab9456737bee",
    "导购",
    _CORP_PREFIX,
)
WITH_MESSAGE = (DETERMINISTIC, SCAN, ECHO, FULL_PAD, CHINESE)
REPRODUCIBLE = (DETERMINISTIC, SCAN, FULL_PAD, CHINESE)
