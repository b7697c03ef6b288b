"""node and nodes: every id leads back to its object, for whoever may see it, also after a merge."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.demo.documents import BUY, QUOTE, SESSION
from gateway.resolvers import ids
from sandbox.world import Person
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on %s { %s } } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"


@dataclass(frozen=True, slots=True)
class Kind:
    """Where an object of a type is found, and which of its fields are compared."""

    name: str
    found: str
    path: str
    fields: str


_MEMBER = "member(by: {unionid: $u})"
KINDS: Mapping[str, Kind] = {
    "mb": Kind("Member", "%s", "", "name phone points { balance }"),
    "or": Kind("Order", "orders(first: 1) { nodes { %s } }", "orders.nodes.0", "state payable { amount }"),
    "py": Kind("Payment", "payments(first: 1) { nodes { %s } }", "payments.nodes.0", "state amount { amount } paidAt"),
    "cp": Kind("Coupon", "coupons(first: 1) { nodes { %s } }", "coupons.nodes.0", "code name state expiresAt"),
    "fl": Kind("File", "files(first: 1) { nodes { %s } }", "files.nodes.0", "key size modifiedAt"),
    "gp": Kind(
        "CustomerGroup", "chat { groups(first: 1) { nodes { %s } } }", "chat.groups.nodes.0", "name memberCount"
    ),
    "gd": Kind(
        "Guide",
        "chat { contacts(first: 1) { nodes { guide { %s } } } }",
        "chat.contacts.nodes.0.guide",
        "name position active store { name }",
    ),
    "st": Kind(
        "Store",
        "chat { contacts(first: 1) { nodes { guide { store { %s } } } } }",
        "chat.contacts.nodes.0.guide.store",
        "name city outId guides { name }",
    ),
    "sk": Kind(
        "Sku",
        "orders(first: 1) { nodes { items { sku { %s } } } }",
        "orders.nodes.0.items.0.sku",
        "code title offers { price { amount } }",
    ),
    "ad": Kind("Ad", "adTouchpoints(first: 1) { nodes { ad { %s } } }", "adTouchpoints.nodes.0.ad", "name status"),
    "cm": Kind(
        "Campaign",
        "adTouchpoints(first: 1) { nodes { campaign { %s } } }",
        "adTouchpoints.nodes.0.campaign",
        "name startsAt endsAt budget { amount }",
    ),
    "ip": Kind(
        "IpProperty",
        "ipParticipations(first: 1) { nodes { activation { property { %s } } } }",
        "ipParticipations.nodes.0.activation.property",
        "slug title kind rightsHolder",
    ),
    "ac": Kind(
        "IpActivation",
        "ipParticipations(first: 1) { nodes { activation { %s } } }",
        "ipParticipations.nodes.0.activation",
        "code name state startsOn stores { name } cards { name odds }",
    ),
}
#: An identity and a reward are read with their member; an audience is the platform's, and read by a query of its own; a
#: lead is read in its list.
WITHOUT_NODE = {"au", "id", "ld", "rw", "sc"}


def at(value: Any, path: str) -> Any:
    for step in path.split(".") if path else ():
        value = value[int(step)] if step.isdigit() else value[step]
    return value


async def find(served: Served, kind: Kind, fields: str) -> dict[str, Any]:
    """The first such object on the way from the protagonist."""
    selection = kind.found.replace("%s", "__typename id " + fields)
    document = f"query ($u: String!) {{ {_MEMBER} {{ {selection} }} }}"
    data = await served.client().data(document, u=served.person("protagonist").unionid)
    found: dict[str, Any] = at(data["member"], kind.path)
    return found


async def test_every_type_code_is_tested() -> None:
    others = {"as", "pr", "tx", "er", "rp", "rc", "jb", "we", "wd", "wr", "rn", "mm", "rk", "gs", "cw", "jw", "gw"}
    assert set(ids.TYPE_CODES) == {*KINDS, *WITHOUT_NODE, *others}
    assert {code: kind.name for code, kind in KINDS.items()}.items() <= ids.TYPE_CODES.items()


@pytest.mark.parametrize("code", KINDS)
async def test_an_id_leads_to_the_same_object(served: Served, code: str) -> None:
    kind = KINDS[code]
    found = await find(served, kind, kind.fields)
    assert found["__typename"] == kind.name
    assert ids.decode(found["id"])[0] == code
    with served.counted() as count:
        data = await served.client().data(NODE % (kind.name, kind.fields), id=found["id"])
    assert data["node"] == found
    assert set(count.calls) <= {"ip_content"}


async def test_a_product_by_its_id(served: Served) -> None:
    fields = "title spu image onSale offers { price { amount } stock }"
    products = (await served.client("partner").data(f"{{ products {{ nodes {{ __typename id {fields} }} }} }}"))[
        "products"
    ]
    for product in products["nodes"]:
        data = await served.client("partner").data(NODE % ("Product", fields), id=product["id"])
        assert data["node"] == product
    assert len(products["nodes"]) == len(served.world.products)


async def test_a_transaction_by_its_id(open_served: OpenServed) -> None:
    served = await open_served()
    client = served.client("frontend", "protagonist")
    stores = (await client.data("{ stores(first: 1) { nodes { id } } }"))["stores"]["nodes"]
    basket = {"lines": [{"sku": "SL-DOWN-1M", "quantity": 1}], "method": "PICKUP", "store": stores[0]["id"]}
    payable = (await client.data(QUOTE, input=basket))["checkoutQuote"]["payable"]["amount"]
    order = {**basket, "expectedPayable": payable, "idempotencyKey": "a-purchase-of-this-test"}
    bought = (await client.data(BUY, input=order))["checkout"]
    found = bought["transaction"]
    data = await client.data(NODE % ("Transaction", "state steps { name tool state }"), id=found["id"])
    assert data["node"] == {"__typename": "Transaction", **found}
    mine = (await client.data(NODE % ("Order", "state fulfilment { pickupCode }"), id=bought["order"]["id"]))["node"]
    # 提货码 is the shopper's own, and HQ's by scope.
    code = bought["order"]["fulfilment"]["pickupCode"]
    assert (mine["state"], mine["fulfilment"]["pickupCode"]) == ("UNPAID", code)
    assert code.isdigit()
    document = NODE % ("Order", "fulfilment { pickupCode }")
    for caller, shown in (("hq", code), ("masked", None)):
        node = (await served.client(caller).data(document, id=bought["order"]["id"]))["node"]
        assert node["fulfilment"] == {"pickupCode": shown}


async def test_reserved_codes_have_no_node(served: Served) -> None:
    for code in WITHOUT_NODE:
        assert await served.client().ask(NODE % ("Member", "name"), id=ids.encode(code, "1")) == {
            "data": {"node": None}
        }


@pytest.mark.parametrize("code", sorted({*KINDS, "pr", "tx", "er", "rp"}))
async def test_an_id_of_nothing_is_null_without_an_error(served: Served, code: str) -> None:
    for native in ("0", "0:0", "f" * 64):
        answer = await served.client().ask(
            "query ($id: ID!) { node(id: $id) { id } }", id=ids.encode(code, native, "0")
        )
        assert answer == {"data": {"node": None}}


async def test_nodes_keep_their_order_and_a_bad_id_costs_its_own_place(served: Served) -> None:
    member, order = [(await find(served, KINDS[code], ""))["id"] for code in ("mb", "or")]
    gone = ids.encode("or", "STORE:x:1")
    answer = await served.client().ask(NODES, ids=[order, "nonsense", member, gone, order])
    assert answer["data"]["nodes"] == [
        {"__typename": "Order", "id": order},
        None,
        {"__typename": "Member", "id": member},
        None,
        {"__typename": "Order", "id": order},
    ]
    [error] = answer["errors"]
    assert (error["path"], error["extensions"]) == (["nodes", 1], {"code": "ID_INVALID"})
    assert error["message"] == "A text of 8 characters is no id of this gateway; pass an id as you received it."


async def test_more_ids_than_a_page_has(served: Served) -> None:
    some = ids.encode("st", "SH-AFL")
    assert len((await served.client().data(NODES, ids=[some] * 100))["nodes"]) == 100
    with served.counted() as count:
        answer = await served.client().ask(NODES, ids=[some] * 101)
    assert (answer["data"], count.calls, count.statements) == ({"nodes": None}, {}, 0)
    [error] = answer["errors"]
    assert (error["message"], error["extensions"]) == (
        "ids has 101 entries: at most 100 are possible.",
        {"code": "PAGE_TOO_LARGE"},
    )


async def test_ids_are_text_of_a_url(served: Served) -> None:
    """Clients store them and put them in links; nothing else is promised."""
    for code, kind in KINDS.items():
        text = (await find(served, kind, ""))["id"]
        assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).startswith(code.encode() + b":")


async def test_ids_are_the_same_on_another_gateway(served: Served, open_served: OpenServed) -> None:
    other = await open_served()
    for kind in KINDS.values():
        assert (await find(other, kind, ""))["id"] == (await find(served, kind, ""))["id"]


async def test_the_old_id_of_a_merged_member_resolves(open_served: OpenServed) -> None:
    """Before the login the payer of a bill and the follower were two; jscode2session shows that they are one."""
    served = await open_served()
    client, app = served.client(), served.world.mini_programs[0].appid
    who = _payer_and_follower(served)
    ways = ({"openid": {"app": app, "value": who.openids[app]}}, {"unionid": who.unionid})
    one = "query ($by: MemberByInput!) { member(by: $by) { id } }"
    before = [(await client.data(one, by=way))["member"]["id"] for way in ways]
    assert before[0] != before[1]
    act = served.sandbox.platforms["mini_program_store"].actions()["login_code"]
    code = (await act({"appid": app, "person": who.key}))["code"]
    login = (await served.client("frontend").data(SESSION, input={"app": app, "code": code}))["sessionCreate"]
    kept = login["member"]["id"]
    assert kept in before
    assert login["isNew"] is False
    document = (
        "query ($id: ID!) { node(id: $id) { id ... on Member { payments { nodes { state } }"
        " officialAccount { subscribed } } } member(by: {id: $id}) { id } }"
    )
    whole = {"id": kept, "payments": {"nodes": [{"state": "SUCCESS"}]}, "officialAccount": {"subscribed": True}}
    for old in before:
        assert await client.data(document, id=old) == {"node": whole, "member": {"id": kept}}
    assert (await client.data(NODES, ids=before))["nodes"] == [{"__typename": "Member", "id": kept}] * 2
    # Her own session reaches her by either id as well.
    mine = replace(served, sessions={"who": login["token"]}).client("frontend", "who")
    for old in before:
        assert (await mine.data("query ($id: ID!) { node(id: $id) { id } }", id=old))["node"] == {"id": kept}


def _payer_and_follower(served: Served) -> Person:
    """Somebody who has followed and paid, and whom no platform has shown as one."""
    world = served.world
    main = world.official_accounts[0].appid
    payers = {each.person for each in world.payments}
    followers = {each.openid for each in world.followers if each.appid == main and each.subscribed}
    crowd = (each for key, each in world.people.items() if key.startswith("p0"))
    return next(each for each in crowd if each.openids[main] in followers and each.key in payers)


async def test_a_shopper_reaches_what_is_her_own(served: Served) -> None:
    """By her session, without any scope; the same ids are closed to another shopper."""
    own = [(await find(served, KINDS[code], ""))["id"] for code in ("mb", "or", "cp", "fl")]
    mine = await served.client("frontend", "protagonist").data(NODES, ids=own)
    assert [each["id"] for each in mine["nodes"]] == own
    answer = await served.client("frontend", "expired_coupon").ask(NODES, ids=own)
    assert answer["data"]["nodes"] == [None] * 4
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"] * 4


async def test_a_file_by_its_id_can_be_downloaded_by_its_owner_only(served: Served) -> None:
    document = "query ($id: ID!) { node(id: $id) { ... on File { url } } }"
    file_id = (await find(served, KINDS["fl"], ""))["id"]
    for client, shown in (
        (served.client("frontend", "protagonist"), True),
        (served.client("hq"), True),
        (served.client("masked"), False),
        (served.client("guide"), False),
    ):
        url = (await client.data(document, id=file_id))["node"]["url"]
        assert (url is not None) is shown
