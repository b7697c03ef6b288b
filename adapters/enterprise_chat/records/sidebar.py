"""The sidebar of a chat (聊天工具栏): who opened it, and what its page needs to speak with the client."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opened a page of ours: an employee by ``userid``, or somebody else by ``openid``.

    ``external_userid`` is there for a customer of an employee whom the app sees.
    """

    userid: str
    openid: str
    external_userid: str

    @property
    def employee(self) -> bool:
        """True for a member of the corp."""
        return bool(self.userid)


class JsIdentity(enum.StrEnum):
    """As whom a page speaks: CORP for ``wx.config``, AGENT for ``wx.agentConfig``, which may know the customer."""

    CORP = "CORP"
    AGENT = "AGENT"


@dataclass(frozen=True, slots=True)
class JsConfig:
    """What ``wx.config`` and ``wx.agentConfig`` (``ww.register``) want to hear for one address."""

    corpid: str
    agentid: int
    nonce: str
    timestamp: datetime
    signature: str
