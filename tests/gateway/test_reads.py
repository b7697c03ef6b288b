"""What a read costs: calls to platforms and SQL statements, for 1, 10 and 50 items, pinned in docs/reads.md.

Rewrite the page's tables with ``UPDATE_DOCS=1 pytest tests/gateway/test_reads.py``, and read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.demo.documents import WHOLE_MEMBER
from tests.gateway.conftest import Evening, OpenServed
from tests.gateway.evening import Client, Count, Served, serve

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGE = Path(__file__).parents[2] / "docs" / "reads.md"
SIZES = (1, 10, 50)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a member: what is asked, where it comes from, and why it is so. Printed in docs/reads.md."""

    selection: str
    source: str
    batch: str
    why: str

    @property
    def name(self) -> str:
        """As the graph's reader knows it: ``chat`` has nothing of its own, its two lists count; points have two."""
        words = self.selection.split(" { ")
        if words[0] == "chat":
            return ".".join(words[:2])
        return f"{words[0]} {{expiring entries}}" if words[1:2] == ["expiring"] else words[0]


FIELDS = (
    Field("name", "profile", "page", "In the row of the member; sealed under the member's own key."),
    Field("level { name }", "ledger", "page", "The highest of the cards, which sync reads as a whole."),
    Field(
        "points { balance }", "ledger", "page", "Cards are listed by the store as a whole, never looked up for a page."
    ),
    Field(
        "points { expiring { amount } entries { nodes { points } } }",
        "ledger",
        "page",
        "What is left of which entry follows from all of them.",
    ),
    Field("totals { orders frequency }", "totals", "page", "Kept as facts arrive, per identity and month."),
    Field("identities { value }", "identity graph", "page", "Every platform's answer and event adds to it."),
    Field("reach { reachable }", "projection", "page", "Everything that decides it, in nine statements."),
    Field(
        "consents { given history { nodes { proof } } }",
        "own book",
        "page",
        "Answers of the shopper; proofs in one more.",
    ),
    Field(
        "officialAccount { scene }",
        "projection",
        "page",
        "Followers are listed as a whole; nothing searches them by member.",
    ),
    Field(
        "payments { nodes { state } }",
        "projection",
        "page",
        "微信支付 finds a payment by its number only; bills bring them all.",
    ),
    Field(
        "coupons { nodes { code } }",
        "live under one member, else projection",
        "1",
        "The platform lists one openid's coupons per call.",
    ),
    Field(
        "storeCoupons { nodes { state } }",
        "live under one member, else null",
        "1",
        "The platform lists one openid's coupons per call; one more per coupon, and we keep no rows of them.",
    ),
    Field(
        "cashCoupons { nodes { couponId } }",
        "own book",
        "page",
        "Given by the gateway; 微信支付 tells of each that a payment took.",
    ),
    Field(
        "redPackets { nodes { state } }",
        "own book",
        "page",
        "Offered by the gateway; 微信支付 finds a transfer by its number only, and tells of its end.",
    ),
    Field("orders { nodes { state } }", "projection", "page", "Orders are listed by time of change, not by buyer."),
    Field(
        "adTouchpoints { nodes { clickedAt } }",
        "projection",
        "page",
        "The ad platform tells of a click once, and lists none.",
    ),
    Field(
        "files { nodes { key } }",
        "live under one member, else projection",
        "1",
        "One listing per folder, and each member has their own.",
    ),
    Field(
        "uploads { nodes { key } }",
        "own ledger",
        "page",
        "What was uploaded through the gateway; the platform need not be asked.",
    ),
    Field(
        "ipParticipations { nodes { collected } }",
        "our own ledger in SQL",
        "page",
        "There is no public API; its calls are SQL statements.",
    ),
    Field(
        "ipRewards { nodes { name } }", "our own ledger in SQL", "page", "Reserved by the draw that completed a set."
    ),
    Field("dropPlaces { nodes { state } }", "our own ledger in SQL", "page", "Places are taken and drawn here."),
    Field(
        "chat { contacts { nodes { remark } } }",
        "live under one member, else projection",
        "1",
        "externalcontact/get knows one customer; the batch call goes by employee.",
    ),
    Field("chat { groups { nodes { name } } }", "projection", "page", "Nothing lists the groups of a customer."),
    Field("timeline { nodes { summary } }", "fact log", "page", "Our own record; a range of an index per identity."),
)

EVERYTHING = (
    WHOLE_MEMBER.split("{", 2)[2]
    .partition("\n")[2]
    .rpartition("}")[0]
    .rpartition("}")[0]
    .replace("url(expiresIn: 600)", "")
)
NODES = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Member {{ {EVERYTHING} }} }} }}"
LISTS: Mapping[str, tuple[str, str]] = {
    "members": (
        "query ($n: Int!) { members(first: $n) { nodes { id name phone identities { value } } } }",
        "A page of profiles.",
    ),
    "orders": (
        """query ($n: Int!) { orders(first: $n) { nodes { id payable { amount } items { title sku { code } }
        fulfilment { state pickupCode } afterSales { state } store { name } guide { name } campaign { name } } } }""",
        "Everything nested; an order of the store platform has no store, guide or campaign of ours.",
    ),
    "members(filter:)": (
        """query ($n: Int!) { members(first: $n, filter: {lastActivity: {}, joined: {}})
        { nodes { id name phone } } }""",
        "Two ranges of time; with several other criteria one statement more, which counts.",
    ),
    "products": (
        "query ($n: Int!) { products(first: $n) { nodes { title offers { price { amount } stock } } } }",
        "The sandbox brand has 8.",
    ),
    "leads": (
        "query ($n: Int!) { leads(first: $n) { nodes { name phone createdAt ad { name } } } }",
        "All of what forms of ads brought.",
    ),
}


async def warm(served: Served) -> Served:
    """Have every account fetch its access token, which lives two hours and is no cost of a read."""
    states = (await served.client().data("{ tools { state } }"))["tools"]
    assert {each["state"] for each in states} == {"OK"}
    return served


async def measure(served: Served, client: Client, document: str, **variables: object) -> Count:
    with served.counted() as count:
        await client.data(document, **variables)
    return count


async def pages(served: Served, document: str) -> list[Count]:
    """A page of 1, of 10, of 50. Each brings members whose keys are not cached yet, as on a busy day."""
    return [await measure(served, served.client(), document, n=n) for n in SIZES]


async def member_ids(served: Served, n: int) -> list[str]:
    """The protagonist, who has something in every list, and n - 1 others."""
    who = served.person("protagonist")
    data = await served.client().data(
        "query ($u: String!) { member(by: {unionid: $u}) { id } members(first: 60) { nodes { id } } }", u=who.unionid
    )
    first = data["member"]["id"]
    others = [each["id"] for each in data["members"]["nodes"] if each["id"] != first]
    return [first, *others][:n]


@dataclass(frozen=True, slots=True)
class Costs:
    """Everything measured, once for the module: pages of 1, 10 and 50, and each field under one member."""

    lists: Mapping[str, Sequence[Count]]
    fields: Mapping[str, Sequence[Count]]
    single: Mapping[str, Count]
    nodes: Sequence[Count]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def costs(evening: Evening, tmp_path_factory: pytest.TempPathFactory) -> Costs:
    """Each page is measured on a gateway of its own, whose key cache is empty."""

    async def fresh(document: str) -> list[Count]:
        async with serve(evening.stage, tmp_path_factory.mktemp("reads"), {}) as served:
            return await pages(served, document)

    async def of_members(field: str) -> list[Count]:
        # Whoever comes first in a list of all may have nothing that the field reads.
        document = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Member {{ {field} }} }} }}"
        async with serve(evening.stage, tmp_path_factory.mktemp("reads"), {}) as served:
            return [await measure(served, served.client(), document, ids=ids[:n]) for n in SIZES]

    one = await warm(evening.served)
    unionid = one.person("protagonist").unionid
    single = "query ($u: String!) {{ member(by: {{unionid: $u}}) {{ {0} }} }}"
    ids = await member_ids(one, 50)
    async with serve(evening.stage, tmp_path_factory.mktemp("reads"), {}) as served:
        nodes = [await measure(served, served.client(), NODES, ids=ids[:n]) for n in SIZES]
    return Costs(
        lists={name: await fresh(document) for name, (document, _) in LISTS.items()},
        fields={field.name: await of_members(field.selection) for field in FIELDS},
        single={
            field.name: await measure(one, one.client(), single.format(field.selection), u=unionid) for field in FIELDS
        },
        nodes=nodes,
    )


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_costs_the_same_for_any_number(costs: Costs, name: str) -> None:
    counts = costs.lists[name]
    assert [count.calls for count in counts] == [{}, {}, {}]
    assert len({count.statements for count in counts}) == 1


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
async def test_a_field_of_a_page_of_members_costs_the_same_for_any_number(costs: Costs, field: Field) -> None:
    counts = costs.fields[field.name]
    assert len({tuple(count.calls.items()) for count in counts}) == 1
    assert set(counts[0].calls) <= {"ip_content"}
    assert len({count.statements for count in counts}) == 1


async def test_everything_of_members_costs_the_same_for_any_number(costs: Costs, open_served: OpenServed) -> None:
    """nodes(ids:) with the protagonist first: already the page of one asks for everything there is."""
    assert [count.calls for count in costs.nodes] == [{"ip_content": 2}] * 3
    assert len({count.statements for count in costs.nodes}) == 1
    served = await open_served()
    page = await measure(served, served.client(), f"{{ members(first: 50) {{ nodes {{ {EVERYTHING} }} }} }}")
    assert page.calls == {"ip_content": 2}
    assert page.statements <= costs.nodes[0].statements


async def test_one_member_costs_at_most_one_call_per_tool_and_account(open_served: OpenServed) -> None:
    served = await warm(await open_served())
    app = served.world.mini_programs[0].appid
    openid = served.person("protagonist").openids[app]
    count = await measure(served, served.client(), WHOLE_MEMBER, app=app, openid=openid)
    # Two merchant accounts have coupons for her appid.
    assert count.calls == {"payments": 2, "cloud_storage": 1, "enterprise_chat": 1, "ip_content": 2}


async def test_asking_twice_in_one_request_calls_once(open_served: OpenServed) -> None:
    served = await warm(await open_served())
    who = served.person("protagonist")
    selection = "coupons { nodes { code } } files { nodes { key } } chat { contacts { nodes { remark } } }"
    document = (
        f"query ($u: String!) {{ a: member(by: {{unionid: $u}}) {{ {selection} }}"
        f" b: member(by: {{unionid: $u}}) {{ {selection} }} }}"
    )
    with served.counted() as count:
        data = await served.client().data(document, u=who.unionid)
    assert data["a"] == data["b"]
    assert count.calls == {"payments": 2, "cloud_storage": 1, "enterprise_chat": 1}


async def test_only_the_first_member_of_a_document_is_read_live(open_served: OpenServed) -> None:
    served = await warm(await open_served())
    stories = ("protagonist", "expired_coupon", "partial_refund", "closed_then_paid")
    app = served.world.mini_programs[0].appid
    fields = " ".join(
        f'm{n}: member(by: {{openid: {{app: "{app}", value: "{served.person(story).openids[app]}"}}}})'
        " { coupons { nodes { code } } files { nodes { key } } chat { contacts { nodes { remark } } } }"
        for n, story in enumerate(stories)
    )
    with served.counted() as count:
        data = await served.client().data(f"{{ {fields} }}")
    assert count.calls == {"payments": 2, "cloud_storage": 1, "enterprise_chat": 1}
    assert len(data["m0"]["coupons"]["nodes"]) == 3


async def test_a_batch_of_members_by_id_is_not_read_live(open_served: OpenServed) -> None:
    served = await warm(await open_served())
    ids = await member_ids(served, 50)
    document = (
        "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Member {"
        " coupons { nodes { code } } files { nodes { key } } chat { contacts { nodes { remark } } } } } }"
    )
    assert (await measure(served, served.client(), document, ids=ids)).calls == {}


async def test_the_page_about_reads_says_what_is_measured(costs: Costs) -> None:
    text = wanted = PAGE.read_text("utf-8")
    for name, lines in (("fields", _fields_table(costs)), ("lists", _lists_table(costs))):
        begin, end = f"<!-- measured {name} -->\n", f"<!-- end {name} -->"
        before, _, rest = wanted.partition(begin)
        wanted = before + begin + "\n".join(lines) + "\n" + end + rest.partition(end)[2]
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(wanted, "utf-8")
        return
    assert text == wanted, "docs/reads.md is out of date: UPDATE_DOCS=1 pytest tests/gateway/test_reads.py"


def _fields_table(costs: Costs) -> list[str]:
    lines = [
        "| field | from | batch | calls under one member | calls for 1 / 10 / 50 | statements 1 / 10 / 50 | why |",
        "|---|---|---|---|---|---|---|",
    ]
    for field in FIELDS:
        counts = costs.fields[field.name]
        cells = (
            f"`{field.name}`",
            field.source,
            field.batch,
            _calls(costs.single[field.name]),
            " / ".join(_calls(each) for each in counts),
            " / ".join(str(each.statements) for each in counts),
            field.why,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _lists_table(costs: Costs) -> list[str]:
    lines = ["| list | calls for 1 / 10 / 50 | statements 1 / 10 / 50 | what is asked |", "|---|---|---|---|"]
    lines += [
        _list_row(f"`{name}`" if "(" in name else f"`{name}(first:)`", costs.lists[name], why)
        for name, (_, why) in LISTS.items()
    ]
    why = "Members with all their lists, and all that is nested in these."
    return [*lines, _list_row("`nodes(ids:)`", costs.nodes, why)]


def _list_row(name: str, counts: Sequence[Count], why: str) -> str:
    cells = (name, " / ".join(_calls(c) for c in counts), " / ".join(str(c.statements) for c in counts), why)
    return "| " + " | ".join(cells) + " |"


def _calls(count: Count) -> str:
    return ", ".join(f"{tool} {n}" for tool, n in count.calls.items()) or "0"
