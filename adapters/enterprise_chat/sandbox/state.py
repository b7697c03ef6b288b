"""What the emulated corp knows: employees, departments, relations, tags, groups, messages."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.world import Corp, World, names

ROOT_DEPARTMENT = 1


class Standing(enum.Enum):
    """How an employee and a customer stand to each other."""

    HALF = "half"
    FRIEND = "friend"
    DELETED_BY_MEMBER = "deleted_by_member"
    DELETED_BY_CUSTOMER = "deleted_by_customer"


@dataclass(frozen=True, slots=True)
class Department:
    """One department; the root's parent is 0."""

    id: int
    name: str
    parent: int
    order: int


@dataclass(slots=True)
class Member:
    """One employee. ``left_at`` is set for those who resigned: the address book has forgotten them."""

    userid: str
    name: str
    position: str
    department: int
    left_at: datetime | None = None


@dataclass(slots=True)
class Relation:
    """One (employee, customer) pair; tags and remarks live here, not on the customer."""

    userid: str
    external_userid: str
    remark: str
    description: str
    mobiles: tuple[str, ...]
    added_at: datetime
    add_way: int
    state: str
    tags: tuple[str, ...]
    standing: Standing = Standing.FRIEND
    company: str = ""

    @property
    def visible(self) -> bool:
        """True where the API still shows the pair: half-added and deleted-by-the-member pairs are hidden."""
        return self.standing in {Standing.FRIEND, Standing.DELETED_BY_CUSTOMER}


@dataclass(frozen=True, slots=True)
class Customer:
    """A WeChat user as the corp sees them; unionid is empty where no developer account is bound to them."""

    external_userid: str
    name: str
    unionid: str


@dataclass(slots=True)
class GroupMember:
    """Someone in a group. ``employee`` tells userids from external ones; ``scene`` 1 invited, 3 QR."""

    id: str
    employee: bool
    joined_at: datetime
    scene: int
    invited_by: str = ""
    state: str = ""


@dataclass(slots=True)
class Group:
    """One customer group; ``version`` changes whenever somebody joins or leaves."""

    chat_id: str
    name: str
    owner: str
    notice: str
    created_at: datetime
    members: list[GroupMember]

    @property
    def version(self) -> str:
        """``member_version``: 32 hex digits that stand for who is in."""
        listed = ",".join(m.id for m in self.members)
        return hashlib.sha256(f"{self.chat_id}/{listed}".encode()).hexdigest()[:32]


@dataclass(slots=True)
class Tag:
    """A corp tag; higher ``order`` stands first. ``by_app``: made through the API."""

    id: str
    name: str
    order: int
    created_at: datetime
    by_app: bool = False


@dataclass(slots=True)
class TagGroup:
    """A group of corp tags, which goes with its last tag."""

    id: str
    name: str
    order: int
    created_at: datetime
    tags: list[Tag]
    by_app: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """An app message as accepted: its id, what it says, and when."""

    msgid: str
    fingerprint: str
    at: datetime


@dataclass(slots=True)
class WelcomeCode:
    """What came with a new contact: for whom, since when, and whether it was used."""

    userid: str
    external_userid: str
    at: datetime
    used: bool = False


@dataclass(slots=True)
class CorpState:
    """Mutable state of one corp, copied from the world at start."""

    corp: Corp
    departments: list[Department]
    members: dict[str, Member]
    customers: dict[str, Customer]
    relations: list[Relation]
    groups: dict[str, Group]
    tag_groups: list[TagGroup]
    sent: list[Sent] = field(default_factory=list)
    task_ids: set[str] = field(default_factory=set)
    deliveries: dict[str, list[datetime]] = field(default_factory=dict)
    welcome_codes: dict[str, WelcomeCode] = field(default_factory=dict)
    #: media_id of 临时素材 → when it was uploaded.
    media: dict[str, datetime] = field(default_factory=dict)
    #: Addresses of pictures that are kept for ever.
    pictures: set[str] = field(default_factory=set)

    def active(self) -> Iterator[Member]:
        """Employees who are still there."""
        return (m for m in self.members.values() if m.left_at is None)

    def member(self, userid: str) -> Member | None:
        """An employee who is still there; userids do not mind case."""
        found = self.members.get(userid.lower())
        return found if found is not None and found.left_at is None else None

    def relation(self, userid: str, external_userid: str) -> Relation | None:
        """The newest pair, in whatever standing."""
        for relation in reversed(self.relations):
            if relation.userid == userid and relation.external_userid == external_userid:
                return relation
        return None

    def relations_of(self, userids: Sequence[str]) -> list[Relation]:
        """What the API shows of these employees, in the order asked."""
        return [r for userid in userids for r in self.relations if r.userid == userid and r.visible]

    def followers(self, external_userid: str) -> list[Relation]:
        """Pairs of a customer with employees who are still there, whatever their standing."""
        return [r for r in self.relations if r.external_userid == external_userid and self.member(r.userid)]

    def tag(self, tag_id: str) -> tuple[str, str]:
        """(group name, tag name); raises KeyError."""
        for group in self.tag_groups:
            for tag in group.tags:
                if tag.id == tag_id:
                    return group.name, tag.name
        raise KeyError(tag_id)

    def friends_of(self, userid: str) -> list[Relation]:
        """Pairs of an employee that nobody has broken off."""
        return [r for r in self.relations if r.userid == userid and r.standing is Standing.FRIEND]


def copy_of(world: World) -> CorpState:
    """The corp as the world has it."""
    departments = [Department(ROOT_DEPARTMENT, world.brand, 0, 0)] + [
        Department(store.department, store.name, ROOT_DEPARTMENT, 100 * place)
        for place, store in enumerate(reversed(world.stores), 1)
    ]
    rooms = {store.code: store.department for store in world.stores}
    members = {g.userid: Member(g.userid, g.name, g.position, rooms[g.store], g.left_at) for g in world.guides}
    state = CorpState(world.corp, departments, members, {}, [], {}, _tag_groups(world))
    for contact in world.contacts:
        customer = admit(state, world, contact.person)
        standing = {
            "": Standing.FRIEND,
            "GUIDE": Standing.DELETED_BY_MEMBER,
            "CUSTOMER": Standing.DELETED_BY_CUSTOMER,
        }[contact.deleted_by]
        state.relations.append(
            Relation(
                contact.userid,
                customer.external_userid,
                contact.remark,
                "",
                contact.remark_mobiles,
                contact.added_at,
                contact.add_way,
                contact.state,
                contact.tags,
                standing,
            )
        )
    for group in world.groups:
        people = [GroupMember(group.owner, True, group.created_at, 1)]
        people += [
            GroupMember(admit(state, world, key).external_userid, False, group.created_at, 3, group.owner)
            for key in group.members
        ]
        state.groups[group.chat_id] = Group(
            group.chat_id, group.name, group.owner, group.notice, group.created_at, people
        )
    return state


def _tag_groups(world: World) -> list[TagGroup]:
    return [
        TagGroup(
            group_id(name),
            name,
            100 - place,
            world.now,
            [Tag(tag_id, tag, 100 - rank, world.now) for rank, (tag_id, tag) in enumerate(tags.items(), 1)],
        )
        for place, (name, tags) in enumerate(world.corp.tag_groups.items(), 1)
    ]


def group_id(name: str) -> str:
    """The id of a tag group: et and 30 characters."""
    return "et" + name.encode().hex().ljust(30, "0")[:30]


def admit(state: CorpState, world: World, key: str) -> Customer:
    """The customer that a person of the world is to this corp; first met now if need be.

    Raises ValueError for a key that is nobody's.
    """
    person = world.people.get(world.cast.get(key, key))
    if person is None:
        raise ValueError(f"there is nobody called {key} in this world")
    external = person.external_userid or names.external_userid(world.seed, person.key)
    return state.customers.setdefault(external, Customer(external, person.name, person.unionid))
