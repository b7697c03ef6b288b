"""Red packets (红包): offered to members, taken back while they wait, and listed for headquarters."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gateway.resolvers import ids, red_packets
from gateway.resolvers.errors import UserError
from gateway.schema.acting import KEY_DESCRIPTION, act, ask, done_by, present
from gateway.schema.connections import After, Before, Connection, First, Last, args, connect
from gateway.schema.consents import ConsentPurpose
from gateway.schema.info import Info
from gateway.schema.problems import DomainProblem, ToolProblem, invalid
from gateway.schema.red_packets import RedPacket, RedPacketState
from gateway.schema.scalars import Long
from gateway.transactions.actions import Performed
from gateway.transactions.effects import red_packets as effects


@strawberry.input(description="One entry of 转账场景报备信息.")
class TransferReportInput:
    """报备信息."""

    kind: str = strawberry.field(description="info_type (信息类型); scene 1000 wants 活动名称 and 奖励说明, each once.")
    content: str = strawberry.field(description="info_content (信息内容).")


@strawberry.input(description="A red packet for a member (发红包).")
class RedPacketSendInput:
    """发红包."""

    member: strawberry.ID = strawberry.field(description="Whom it is for.")
    amount: Long = strawberry.field(description="Fen (分), 10 at least; the settings rewards.most and daily limit it.")
    remark: str = strawberry.field(description="转账备注: what the shopper reads, 32 characters at most.")
    report: list[TransferReportInput] = strawberry.field(description="转账场景报备信息, as the scene wants it.")
    scene: str = strawberry.field(
        description="转账场景ID that the merchant was granted; 1000 is 现金营销.", default="1000"
    )
    purpose: ConsentPurpose = strawberry.field(
        description="What it is for; the member's consent is asked for it: SERVICE where it makes good what went"
        " wrong (补偿).",
        default=ConsentPurpose.MARKETING,
    )
    mchid: str | None = strawberry.field(
        description="The merchant who pays; the first one of the settings when it is left out.", default=None
    )
    appid: str | None = strawberry.field(
        description="The app in which the shopper confirms; by default the one of this merchant's they were last"
        " known in.",
        default=None,
    )
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self, member: str) -> effects.Wanted:
        """As the action takes it. Raises UserError for a report that names something twice."""
        report = {each.kind: each.content for each in self.report}
        if len(report) != len(self.report):
            raise UserError("report names a kind twice.")
        return effects.Wanted(
            member,
            int(self.amount),
            self.scene,
            report,
            self.remark,
            self.purpose.name,
            self.mchid or "",
            self.appid or "",
        )


@strawberry.input(description="A red packet to take back (撤销转账).")
class RedPacketCancelInput:
    """撤销转账."""

    red_packet: strawberry.ID = strawberry.field(description="Which.")
    idempotency_key: str | None = strawberry.field(description=KEY_DESCRIPTION, default=None)

    def record(self) -> effects.Taken:
        """As the action takes it. Raises UserError for an id that is none."""
        return effects.Taken(*ids.decode_as("rk", self.red_packet))


@strawberry.type(description="A red packet that 微信支付 knows, offered or taken back; nobody was paid by this.")
class RedPacketOffered:
    """待确认."""

    key: strawberry.Private[tuple[str, str]]
    transaction_id: strawberry.Private[str]

    @strawberry.field(description="The red packet as it stands now; null once the member was erased.")
    async def red_packet(self, info: Info) -> RedPacket | None:
        found = await info.context.loaders.load(red_packets.by_keys, self.key)
        return None if found is None else RedPacket.of(found)

    transaction = done_by("The transaction that did it.")


RedPacketResult = Annotated[
    RedPacketOffered | DomainProblem | ToolProblem,
    strawberry.union("RedPacketResult", description="The red packet, or why nothing was done."),
]


@strawberry.type(description="Questions about red packets.")
class RedPacketQueries:
    """Red packets."""

    @strawberry.field(description="Red packets (红包), the newest first. Needs the scope rewards:write.")
    async def red_packets(
        self,
        info: Info,
        state: Annotated[RedPacketState | None, strawberry.argument(description="Only these.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[RedPacket] | None:
        wanted = None if state is None else state.name
        page = await red_packets.page(info.context, wanted, args(first, after, last, before))
        return connect(page, RedPacket.of)


@strawberry.type(description="Mutations about red packets.")
class RedPacketMutations:
    """Red packets."""

    @strawberry.mutation(
        description="Offer a member money (发红包, 商家转账). It is theirs once they have confirmed it on their phone,"
        " within 24 hours. Needs the scope rewards:write, and the member's consent for its purpose."
    )
    async def red_packet_send(
        self,
        info: Info,
        input: Annotated[RedPacketSendInput, strawberry.argument(description="How much, to whom.")],  # noqa: A002
    ) -> RedPacketResult:
        info.context.principal.require(red_packets.WRITE)
        who = await present(info, input.member)
        if isinstance(who, DomainProblem):
            return who
        try:
            asked = input.record(who)
        except UserError as error:
            return invalid(error)
        done = await act(info, effects.SEND, asked, input.idempotency_key)
        return _offered(done)

    @strawberry.mutation(
        description="Take a red packet back that the member has not confirmed (撤销转账). Needs the scope"
        " rewards:write."
    )
    async def red_packet_cancel(
        self,
        info: Info,
        input: Annotated[RedPacketCancelInput, strawberry.argument(description="Which.")],  # noqa: A002
    ) -> RedPacketResult:
        info.context.principal.require(red_packets.WRITE)
        return _offered(await ask(info, effects.CANCEL, input))


def _offered(done: Performed[effects.Offered] | DomainProblem | ToolProblem) -> RedPacketResult:
    if not isinstance(done, Performed):
        return done
    return RedPacketOffered(key=(done.outcome.mchid, done.outcome.number), transaction_id=done.transaction)
