"""Access tokens of one appid: two issuers that do not disturb each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

LIFE = timedelta(seconds=7200)
#: How long a superseded token goes on working, and how early normal mode makes a new one.
OVERLAP = timedelta(seconds=300)
FORCED_PER_DAY = 20
FORCED_APART = timedelta(seconds=30)


class Issuer:
    """One issuer: ``cgi-bin/token`` (``issue``) or ``cgi-bin/stable_token`` (``stable``).

    ``make(n)`` gives the n-th token text. ``verdict`` answers the errcode of a token.
    """

    def __init__(self, make: Callable[[int], str]) -> None:
        self._make = make
        self._count = 0
        self._until: dict[str, datetime] = {}
        self._expires: dict[str, datetime] = {}
        self._forced: list[datetime] = []
        self.current = ""
        #: Tokens that are refused although nothing is known against them: a platform out of step.
        self.poisoned: set[str] = set()

    def issue(self, now: datetime) -> tuple[str, int]:
        """A new token at each call; the one before works for five minutes more."""
        self._supersede(now + OVERLAP)
        return self._mint(now)

    def stable(self, now: datetime, *, force: bool) -> tuple[str, int]:
        """The same token with what is left of its life, or a new one in its last five minutes."""
        if force and self._may_force(now):
            self._forced.append(now)
            self._kill()
            return self._mint(now)
        if not self.current or self._expires[self.current] - now <= OVERLAP:
            return self.issue(now)
        return self.current, int((self._expires[self.current] - now).total_seconds())

    def knows(self, token: str) -> bool:
        """True for a token that this issuer ever gave out."""
        return token in self._until

    def verdict(self, token: str, now: datetime) -> int:
        """0, 40001 for one that was superseded, 42001 for one that lived its life."""
        if token in self.poisoned:
            return 40001
        if now < self._until[token]:
            return 0
        return 42001 if now >= self._expires[token] else 40001

    def _may_force(self, now: datetime) -> bool:
        today = [at for at in self._forced if now - at < timedelta(days=1)]
        return len(today) < FORCED_PER_DAY and not (today and now - today[-1] < FORCED_APART)

    def _kill(self) -> None:
        """All tokens of this issuer stop working at once."""
        for token, expires in self._expires.items():
            self._until[token] = min(self._until[token], expires - LIFE)

    def _supersede(self, until: datetime) -> None:
        if self.current:
            self._until[self.current] = min(self._until[self.current], until)

    def _mint(self, now: datetime) -> tuple[str, int]:
        self._count += 1
        self.current = self._make(self._count)
        self._until[self.current] = self._expires[self.current] = now + LIFE
        return self.current, int(LIFE.total_seconds())
