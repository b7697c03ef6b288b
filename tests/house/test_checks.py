"""The checks of ``make check``: each one finds what it is for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from graphql import build_schema
from sqlalchemy import Column, MetaData, String, Table

from adapters.base.errors import Fault, FaultTable, Invalid, UpstreamError
from adapters.official_account import OfficialAccountAdapter
from adapters.payments import TOOL as PAYMENTS
from adapters.registry import TOOLS
from gateway.database.pii import plain_personal_columns
from gateway.members.holdings import Ground, Holding, undeclared
from gateway.settings import Settings
from scripts.checks import boundaries, codes, coverage, documents, graph, reaching, tools
from scripts.checks.source import ROOT, modules

Plant = Callable[[str, str], Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """``root = plant("gateway/x.py", "…")`` writes a file into an otherwise empty tree."""

    def write(path: str, content: str) -> Path:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")
        return tmp_path

    return write


def test_schema_file_is_compared(plant: Plant) -> None:
    root = plant("schema.graphql", "type Query { other: Int }\n")

    assert graph.schema_file(root) == [
        "schema.graphql is not the printed schema: run `make schema` and read the difference as a client would"
    ]
    plant("schema.graphql", (ROOT / "schema.graphql").read_text("utf-8"))
    assert graph.schema_file(root) == []


def test_descriptions_are_missed_everywhere() -> None:
    schema = build_schema(
        '''
        """Root."""
        type Query { "A field." told(untold: Int, "Told." why: In): E   bare: E }
        """Input."""
        input In { bare: Int }
        """Enum."""
        enum E { "Told." TOLD BARE }
        """Interface."""
        interface I { bare: Int }
        union U = Query
        scalar S
        '''
    )

    places = [sentence.split(" has no description")[0] for sentence in graph.undescribed(schema)]

    own = [place for place in places if place.split(".")[0] in {"Query", "In", "E", "I", "U", "S"}]
    assert sorted(own) == sorted(["Query.told(untold:)", "Query.bare", "In.bare", "E.BARE", "I.bare", "U", "S"])


@pytest.mark.parametrize(
    "source",
    [
        "import os\nHOME = os.environ['HOME']\n",
        "import os\nHOME = os.getenv('HOME')\n",
        "from os import environ\n",
        "def read():\n    import os\n    return dict(os.environ)\n",
    ],
)
def test_a_reader_of_the_environment_is_named(plant: Plant, source: str) -> None:
    root = plant("gateway/jobs/reader.py", source)
    plant("gateway/settings.py", source)

    assert boundaries.environment_readers(root) == [
        "gateway/jobs/reader.py reads the environment: take the value from gateway.settings instead"
    ]


_IMPORT = "from gateway.database.tables.projections import follower as seeded\n"


@pytest.mark.parametrize(
    "source",
    [
        _IMPORT + "async def go(c):\n    await upsert(c, seeded, [])\n",
        _IMPORT + "def go():\n    return insert(seeded)\n",
        _IMPORT + "def go():\n    return seeded.update()\n",
        _IMPORT + "def go(c):\n    return insert_new(c, table=seeded)\n",
        "from gateway.database.tables import projections as p\ndef go():\n    return p.follower.delete()\n",
        "import gateway.database.tables.projections as p\ndef go():\n    return delete(p.follower)\n",
    ],
)
def test_a_writer_of_a_projection_is_named(plant: Plant, source: str) -> None:
    root = plant("gateway/members/seeding.py", source)
    plant("gateway/events/projections/official_account.py", source)

    (sentence,) = boundaries.projection_writers(root)

    assert sentence.startswith("gateway/members/seeding.py writes the projection 'follower'")


def test_a_reader_of_a_projection_is_free(plant: Plant) -> None:
    root = plant("gateway/resolvers/followers.py", _IMPORT + "def go():\n    return select(seeded)\n")

    assert boundaries.projection_writers(root) == []


_GATED = "async def go(ctx, a):\n    [d] = await ctx.gate.decide(about, [who])\n    await a.send_template(m)\n"


@pytest.mark.parametrize(
    "source",
    [
        "async def go(ctx, a):\n    await a.send_template(m)\n",
        "async def go(ctx, a):\n    await a.report_conversions([m])\n    await ctx.gate.decide(about, [who])\n",
        "async def go(ctx, a):\n    await ctx.jury.decide(about, [who])\n    await a.send_template(m)\n",
        "async def ask(ctx):\n    await ctx.gate.decide(a, [w])\nasync def go(a):\n    await a.send_template(m)\n",
        "async def go(ctx, a):\n    ctx.gate.decide(about, [who])\n    return a.send_template\n",
        "async def go(ctx, a):\n    gate_rounds(ctx, about, who)\n    return a.send_template\n",
        "SEND = adapter.report_conversions\n",
    ],
)
def test_a_message_past_the_gate_is_named(plant: Plant, source: str) -> None:
    root = plant("gateway/transactions/sending.py", source)

    (sentence,) = reaching.gate_passed(root)
    assert sentence.startswith("gateway/transactions/sending.py:")
    assert "without asking the gate first" in sentence


@pytest.mark.parametrize(
    "source",
    [
        _GATED,
        "async def go(ctx, a):\n    found = await through_gate(ctx, about, who)\n    await a.send_template(m)\n",
        "async def go(c, a):\n    async for _ in gate_rounds(c, b, w): pass\n    await a.send_template(m)\n",
    ],
)
def test_a_message_through_the_gate_is_free(plant: Plant, source: str) -> None:
    assert reaching.gate_passed(plant("gateway/transactions/sending.py", source)) == []


def test_only_what_takes_people_out_of_an_audience_needs_no_gate(plant: Plant) -> None:
    called = "async def go(a):\n    await a.send_audience_ids(1, 'WX_UNIONID', ids, removes={})\n"
    assert reaching.gate_passed(plant("gateway/members/leaving.py", called.format(True))) == []
    [sentence] = reaching.gate_passed(plant("gateway/members/leaving.py", called.format(False)))
    assert "gateway/members/leaving.py:2 uses send_audience_ids" in sentence


def test_a_method_that_speaks_to_nobody_knows_whom_is_named(plant: Plant) -> None:
    listed = (reaching.TO_SHOPPERS | reaching.TO_STAFF) & {
        f"official_account.{name}" for name in dir(OfficialAccountAdapter)
    }
    names = (*sorted(each.partition(".")[2] for each in listed), "daily_reports")
    body = "".join(f"    async def {name}(self): ...\n" for name in names)
    root = plant("adapters/official_account/adapter.py", "class OfficialAccountAdapter:\n" + body)
    assert reaching.speakers_declared(root) == []

    plant("adapters/sms/adapter.py", "class SmsAdapter:\n    async def send(self): ...\n")
    plant("adapters/official_account/adapter.py", "class OfficialAccountAdapter:\n" + body.partition("\n")[2])
    assert [sentence.split(" ")[:2] for sentence in reaching.speakers_declared(root)] == [
        ["adapters/sms:", "send"],
        ["scripts/checks/reaching.py", "lists"],
    ]


def test_a_personal_column_in_the_plain_is_named() -> None:
    metadata = MetaData()
    Table("lead", metadata, Column("phone", String), Column("city", String))

    (sentence,) = plain_personal_columns(metadata)

    assert sentence.startswith("lead.phone looks personal")


_ERRORS = """
class Stale(Exception):
    code = "STALE_THING"

class Refusal(Exception):
    def __init__(self, message, code, *, retryable=False):
        self.code = code

def refuse(status, code):
    return {"code": code}

def go(error, late):
    refuse(400, "BODY_BAD" if late else "BODY_LATE")
    raise Refusal("no", "NOT_TODAY")
    return {"code": (error.extensions or {}).get("code", "FALLBACK_CODE")}, Problem(code="BY_KEYWORD")
"""


def test_codes_are_found_where_they_stand(plant: Plant) -> None:
    root = plant("gateway/errors.py", _ERRORS)

    found = set(codes.codes_in(modules(root, "gateway"))) - set(codes.codes_in([]))

    assert found == {"STALE_THING", "BODY_BAD", "BODY_LATE", "NOT_TODAY", "FALLBACK_CODE", "BY_KEYWORD"}


def test_codes_and_their_page_are_compared_both_ways(plant: Plant) -> None:
    root = plant("gateway/errors.py", 'class Stale(Exception):\n    code = "STALE_THING"\n')
    kinds = "".join(f"| `{code}` | x |\n" for code in codes.codes_in([]))
    plant("docs/errors.md", kinds + "| `LONG_GONE` | x |\n")

    assert codes.error_codes(root) == [
        "docs/errors.md has no row for STALE_THING (gateway/errors.py:2): say what it means and what the caller does",
        "docs/errors.md describes LONG_GONE, which no code uses any more: take the row out",
    ]


def test_settings_are_named_with_their_path() -> None:
    found = dict(documents.setting_defaults(Settings))

    names = ("environment", "limits.depth", "levels[].grade", "master_key", "tools")
    assert [found[name] for name in names] == ["live", 15, None, None, None]
    assert "limits" not in found


def test_a_setting_without_a_row_is_named(plant: Plant) -> None:
    page = (ROOT / documents.SETTINGS).read_text("utf-8")
    page = page.replace("| `limits.depth` |", "| `limits.dept` |").replace("| `8000` |", "| `80` |")
    root = plant(documents.SETTINGS, page)
    for spec in TOOLS:
        plant(f"adapters/{spec.name}/README.md", (ROOT / f"adapters/{spec.name}/README.md").read_text("utf-8"))
    plant("adapters/payments/README.md", "`mchid`")

    found = documents.settings(root)

    assert found[0] == "docs/settings.md does not give port its default `8000`"
    assert found[1].startswith("docs/settings.md has no row for limits.depth")
    assert "adapters/payments/README.md does not mention the setting apiv3_key" in found
    assert "adapters/payments/README.md does not mention the setting mchid" not in found


def test_the_page_of_upstream_errors_is_compared(plant: Plant) -> None:
    root = plant(documents.UPSTREAM, documents.upstream_page(()))

    assert documents.upstream_errors(root) == [
        "docs/upstream-errors.md is not what the error tables say: run `make schema`"
    ]


def test_a_page_without_a_link_and_a_gap_in_the_numbers_are_named(plant: Plant) -> None:
    root = plant("docs/README.md", "[one](decisions/0001-one.md)\n")
    plant("docs/decisions/0001-one.md", "")
    plant("docs/decisions/0003-three.md", "")

    assert documents.index(root) == [
        "docs/README.md does not link to decisions/0003-three.md: add a line for it",
        "docs/decisions is numbered [1, 3]: number the pages 0001, 0002, … without gaps",
    ]


_REGISTRY = "from adapters import foo, gone\nTOOLS = (gone.TOOL,)\n"


def test_a_tool_outside_the_registry_is_named(plant: Plant) -> None:
    root = plant("adapters/registry.py", _REGISTRY)
    plant("adapters/foo/__init__.py", "TOOL: ToolSpec = ToolSpec()\n")
    plant("adapters/family/__init__.py", "SHARED = 1\n")

    assert tools.registration(root) == [
        "adapters/foo has a TOOL that is not in adapters/registry.py: add foo.TOOL",
        "adapters/registry.py lists gone.TOOL, and adapters/gone/__init__.py has no TOOL",
        "the tool foo has no CASE: write tests/adapters/foo/contract.py",
    ]


def test_a_missing_file_is_named(plant: Plant) -> None:
    root = plant("adapters/foo/__init__.py", "TOOL = ToolSpec()\n")
    for name in ("README.md", "adapter.py", "client.py", "config.py", "models.py", "records.py"):
        plant(f"adapters/foo/{name}", "")

    assert tools.shape(root) == [
        "adapters/foo/errors.py is missing: every tool has it",
        "adapters/foo/sandbox.py is missing: every tool has it",
        "tests/adapters/foo/wire is empty: put one recorded answer per endpoint there",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "from adapters.base.errors import NotFound",
        "import adapters.foo.client",
        "from adapters.foo import signing",
        "from adapters.foo.models import Order",
        "from adapters.bar.sandbox import State",
        "from adapters.wechat import callbacks",
        "from gateway.settings import Settings",
        "from ..signing import sign",
    ],
)
def test_a_sandbox_that_shares_is_named(plant: Plant, line: str) -> None:
    root = plant("adapters/foo/sandbox/wire.py", f"from adapters.foo.sandbox.state import State\n{line}\n")
    plant("adapters/foo/client.py", f"{line}\n")

    (sentence,) = tools.sandbox_imports(root)

    assert sentence.startswith("adapters/foo/sandbox/wire.py imports ")


def test_a_faulty_error_table_is_named() -> None:
    class Eleventh(UpstreamError):
        kind = "ELEVENTH"

    good = "The platform refused it; do something else."
    rows: dict[str | int, Fault] = {
        1: Fault(Eleventh, "fine", good),
        2: Fault(Invalid, "Not a slug", good),
        3: Fault(Invalid, "silent", "No."),
        4: Fault(Invalid, "fine", good),
    }
    spec = type(PAYMENTS)("foo", "样例", PAYMENTS.config, PAYMENTS.adapter, PAYMENTS.open, FaultTable("foo", rows))

    assert list(tools.faulty_rows(spec)) == [
        "adapters/foo/errors.py: the row of 1 has the kind Eleventh, which is not one of the ten",
        "adapters/foo/errors.py: the row of 2 has the reason 'Not a slug': make it a lower-case slug",
        "adapters/foo/errors.py: the row of 3 has no sentence that says what to do",
        "adapters/foo/errors.py: the reason 'fine' is of several kinds: ELEVENTH, INVALID",
    ]


def test_a_table_that_nobody_declared_is_named() -> None:
    tables = MetaData()
    Table("wish", tables, Column("id", String, primary_key=True), Column("member", String))
    shop = Table("shop", tables, Column("id", String, primary_key=True), Column("payer", String))
    declared = Holding(
        table=shop,
        title="",
        what="",
        purpose="",
        ground=Ground.NONE,
        kept="",
        people=False,
        why="It is about no person.",
    )
    assert undeclared(tables, [declared]) == [
        "table shop is declared to hold nothing of people, but has payer",
        (
            "table wish has no entry in gateway/members/holdings.py: say what it holds of people, why, how long, "
            "who sees it, and what erasure does to it"
        ),
    ]


def test_the_data_protection_page_is_compared(plant: Plant) -> None:
    page = (ROOT / documents.DATA_PROTECTION).read_text("utf-8")
    root = plant(documents.DATA_PROTECTION, page.replace("| `lead` 线索 leads |", "| `lead` |"))
    assert documents.data_protection(root) == [
        f"{documents.DATA_PROTECTION} is not what is declared: run `make schema`"
    ]
    plant(documents.DATA_PROTECTION, page)
    assert documents.data_protection(root) == []


def test_coverage_names_what_exists() -> None:
    fields, methods = {"Query.member"}, {"built", "forgotten"}
    test, none = "house/test_checks.py::test_coverage_names_what_exists", "house/test_checks.py::test_no"
    rows = [
        coverage.Endpoint("GET /a", "a", client="built", graph=("Query.member",), test=test),
        coverage.Endpoint("GET /b", "b", client="missing", graph=("Query.nothing",), test=none),
        coverage.Endpoint("GET /c", "c"),
        coverage.Endpoint("GET /c", "c", left_out="Nobody asks.", test=test),
    ]

    assert list(coverage.faulty_rows(rows, methods, fields, ROOT)) == [
        "GET /b: there is no test house/test_checks.py::test_no",
        "GET /b: client.py has no method missing",
        "GET /b: schema.graphql has no Query.nothing",
        "GET /c has no test",
        "GET /c is in no field of the graph: name one, say what it serves inside, or leave it out",
        "GET /c stands there twice",
        "GET /c is left out and built",
        "no row has the client's method forgotten",
    ]


def test_coverage_looks_into_the_emulated_platform() -> None:
    rows = [coverage.Endpoint("GET /a/{id}/list", "a"), coverage.Endpoint("GET /b", "b", sandbox=False)]

    assert list(coverage.not_emulated(rows, ['"/a/" + "list"'])) == []
    assert list(coverage.not_emulated(rows, ["nothing"])) == [
        "GET /a/{id}/list: the sandbox knows nothing of it; say sandbox = false where that is meant"
    ]


def test_coverage_reads_clients_in_one_file_or_several() -> None:
    one = "class ShopClient:\n    async def call(self): ...\n    async def _own(self): ...\n    def plain(self): ...\n"

    assert coverage.client_methods([one, "class Other:\n    async def no(self): ...\n"]) == {"call"}
