"""The rules of the identity graph, written a second time and naively: no sets by rank, no cleverness, no shared code.

A world is names (kind, issuer, value) and links between them. People are found by trying every link in turn on plain
sets. ``Model`` also takes the decisions, so that a sequence of them can be played on it and on the gateway.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

Name = tuple[str, str, str]
#: How a link ranks; WEAK is in no class.
ORDER = ("RENAMED", "STRONG", "CONDITIONAL", "DECIDED")


@dataclass
class Line:
    """A link, with its state."""

    a: Name
    b: Name
    strength: str
    at: datetime
    retired: bool = False


@dataclass
class Model:
    """``rank`` breaks ties as the database's keyed hashes do."""

    rank: Callable[[Name], object]
    limits: dict[str, int]
    people_per_value: int
    names: set[Name] = field(default_factory=set)
    anchored: set[Name] = field(default_factory=set)
    lines: list[Line] = field(default_factory=list)
    renamed: dict[Name, Name] = field(default_factory=dict)

    def show(self, shown: list[tuple[Name, str]], at: datetime) -> None:
        """Evidence: the first name with each other one."""
        first, proof = shown[0]
        for number, (name, strength) in enumerate(shown):
            self.names.add(name)
            if strength == "STRONG" or (number == 0 and strength == "CONDITIONAL"):
                self.anchored.add(name)
            if name != first:
                self.line(first, name, max(proof, strength, key=["STRONG", "CONDITIONAL", "WEAK"].index), at)

    def line(self, a: Name, b: Name, strength: str, at: datetime, *, decided: bool = False) -> None:
        for each in self.lines:
            if {each.a, each.b} == {a, b} and each.strength == strength:
                if decided and each.retired:
                    each.retired, each.at = False, at
                elif not each.retired:
                    each.at = min(each.at, at)
                return
        self.lines.append(Line(a, b, strength, at))

    def live(self) -> list[Line]:
        found = [each for each in self.lines if not each.retired and each.strength in ORDER]
        return sorted(
            found,
            key=lambda each: (ORDER.index(each.strength), each.at, *sorted([self.rank(each.a), self.rank(each.b)])),
        )

    def groups(self) -> list[frozenset[Name]]:
        """Every group, hints too."""
        groups = [frozenset({name}) for name in self.names]
        for kind in ORDER:
            before = list(groups)
            for each in self.live():
                if each.strength != kind:
                    continue
                one = next(g for g in groups if each.a in g)
                other = next(g for g in groups if each.b in g)
                if one != other and not self.forbids(each, one, other, before):
                    groups = [g for g in groups if g not in (one, other)] + [one | other]
        return groups

    def forbids(self, line: Line, one: frozenset[Name], other: frozenset[Name], before: list[frozenset[Name]]) -> bool:
        if line.strength in ("RENAMED", "DECIDED"):
            return False

        def unionids(group: frozenset[Name]) -> set[str]:
            return {issuer for kind, issuer, _ in group if kind == "UNIONID" and (kind, issuer, _) not in self.renamed}

        if unionids(one) & unionids(other):
            return True
        if line.strength == "CONDITIONAL":
            if unionids(one) and unionids(other):
                return True
            for value in (line.a, line.b):
                if value[0] == "PHONE":
                    showing = {
                        next(g for g in before if (each.b if each.a == value else each.a) in g)
                        for each in self.live()
                        if each.strength == "CONDITIONAL" and value in (each.a, each.b)
                    }
                    if len(showing) > self.people_per_value:
                        return True
        for kind, limit in self.limits.items():
            counts = [len({n for n in g if n[0] == kind and n not in self.renamed}) for g in (one, other)]
            if all(counts) and sum(counts) > limit:
                return True
        return False

    def people(self) -> set[frozenset[Name]]:
        """The groups that are somebody."""
        return {group for group in self.groups() if group & self.anchored}

    def group_of(self, name: Name) -> frozenset[Name]:
        return next(group for group in self.groups() if name in group)

    def reach(self, name: Name) -> set[Name]:
        """What the evidence that is left connects with a name, whatever the rules say."""
        found, ahead = {name}, [name]
        while ahead:
            at = ahead.pop()
            for each in self.live():
                for end, other in ((each.a, each.b), (each.b, each.a)):
                    if end == at and other not in found:
                        found.add(other)
                        ahead.append(other)
        return found

    def unlink(self, name: Name) -> None:
        """Part a name from everybody else of its group."""
        group = self.group_of(name)
        for each in self.live():
            ends = {each.a, each.b}
            if name in ends and ends <= group:
                each.retired = True
                for old, new in ((each.a, each.b), (each.b, each.a)):
                    if each.strength == "RENAMED" and self.renamed.get(old) == new:
                        del self.renamed[old]
