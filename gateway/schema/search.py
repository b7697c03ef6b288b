"""What members are searched by."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.resolvers import ids
from gateway.resolvers.search import Between, Criteria
from gateway.schema.ranges import TimeRange


@strawberry.input(description="A tag (标签) by its name.")
class TagInput:
    """Tag."""

    name: str = strawberry.field(description="Its name, in full.")
    account: str | None = strawberry.field(
        default=None, description="appid or corpid whose tag it is; left out, the tag of any account."
    )


@strawberry.input(description="What is known of the members; all that is given must hold. Searches are recorded.")
class MemberFilter:
    """Filter."""

    name: str | None = strawberry.field(
        default=None,
        description="Beginning of the name (姓名), one to three characters; a longer text is the whole name.",
    )
    phone: str | None = strawberry.field(default=None, description="The whole phone number (手机号).")
    phone_tail: str | None = strawberry.field(default=None, description="Its last four digits (手机尾号).")
    out_id: str | None = strawberry.field(default=None, description="The member's number in the brand's own systems.")
    level: str | None = strawberry.field(default=None, description="Name of the level (会员等级).")
    tag: TagInput | None = strawberry.field(
        default=None, description="A tag: of the 公众号 that they follow, or given by a guide (企业标签)."
    )
    store: strawberry.ID | None = strawberry.field(
        default=None, description="A store (门店): of one of their guides, or where they bought first."
    )
    guide: strawberry.ID | None = strawberry.field(
        default=None, description="A guide (导购) who has them as a contact now."
    )
    last_activity: TimeRange | None = strawberry.field(
        default=None, description="When they last did something (最近活跃)."
    )
    joined: TimeRange | None = strawberry.field(default=None, description="When they joined (入会时间), see joinedAt.")

    def criteria(self, updated_after: datetime | None) -> Criteria:
        """As the resolver takes it. Raises IdInvalid and IdForeign."""
        return Criteria(
            name=self.name,
            phone=self.phone,
            phone_tail=self.phone_tail,
            out_id=self.out_id,
            level=self.level,
            tag=None if self.tag is None else (self.tag.name, self.tag.account),
            store=None if self.store is None else ids.decode_as("st", self.store)[1],
            guide=None if self.guide is None else ":".join(ids.decode_as("gd", self.guide)),
            active=_between(self.last_activity),
            joined=_between(self.joined),
            updated_after=updated_after,
        )


def _between(given: TimeRange | None) -> Between | None:
    return None if given is None else Between(given.start, given.until)
