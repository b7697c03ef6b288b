"""The documents of docs/media.md: the brand's own files, from the grant to the messages that show them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select

from adapters.cloud_storage import CloudStorageAdapter
from gateway.database.statements import insert_rows
from gateway.database.tables.files import file_ledger, medium
from gateway.resolvers import ids
from gateway.transactions.effects.media import NAME_LENGTH
from gateway.transactions.media_kinds import MOST_BYTES, TAKEN
from sandbox import http1
from sandbox.journal import Effect
from tests.gateway.conftest import OpenServed
from tests.gateway.evening import Served, without

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[3]
FILES = {path.stem: path.read_text("utf-8") for path in (ROOT / "examples/media").glob("*.graphql")}
MASS, WELCOME = (
    (ROOT / f"examples/{name}.graphql").read_text("utf-8")
    for name in ("followers/mass-send", "customers/group-welcome")
)
CHAT, ACCOUNT = "enterprise_chat", "official_account"
UPLOADING, PUBLISHING = "POST /cgi-bin/media/upload", "POST /cgi-bin/media/uploadimg"
JPEG = b"\xff\xd8 an invented picture of a coat"


class Desk:
    """Headquarters, which sends pictures."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self._made = 0

    async def play(self, which: str, /, caller: str = "hq", **given: Any) -> dict[str, Any]:
        """What the one field of a document answers."""
        [answer] = (await self.served.client(caller).data(FILES[which], **given)).values()
        return dict(answer)

    async def begun(self, content: bytes = JPEG, content_type: str = "image/jpeg") -> dict[str, Any]:
        """A grant, under a key of its own."""
        self._made += 1
        return await self.play("begin", contentType=content_type, size=len(content), key=f"begin-{self._made:06}")

    async def file(self, content: bytes = JPEG, content_type: str = "image/jpeg") -> str:
        """A file that is committed, as its client makes it."""
        begun = await self.begun(content, content_type)
        headers = {
            each["name"]: each["value"] for each in begun["grant"]["headers"] if each["name"] != "Content-Length"
        }
        assert (await http1.request("PUT", begun["grant"]["url"], headers, content)).status == 200
        done = await self.play("commit", file=begun["file"]["id"])
        assert done["file"]["upload"] == {"state": "COMMITTED"}
        return str(done["file"]["id"])

    async def upload(self, file: str, key: str, caller: str = "hq", **given: Any) -> dict[str, Any]:
        """What mediaUpload answers."""
        asked = {"file": file, "tool": "ENTERPRISE_CHAT", "kind": "IMAGE", "idempotencyKey": key} | given
        return await self.play("upload", caller, input=asked)

    async def customers(self) -> list[str]:
        """Two members whom a guide has."""
        world, found = self.served.world, list[str]()
        keys = [each.person for each in world.contacts if each.userid == "maolin" and not each.deleted_by]
        document = "query ($u: String!) { member(by: {unionid: $u}) { id } }"
        for key in keys[:2]:
            found.append((await self.served.client().data(document, u=world.people[key].unionid))["member"]["id"])
        return found

    async def files(self, caller: str = "hq", **given: Any) -> list[dict[str, Any]]:
        """The list, the newest first."""
        return list((await self.play("files", caller, **given))["nodes"])

    async def later(self, **by: float) -> None:
        """When the jobs of the time have run."""
        self.served.sandbox.kit.clock.advance(timedelta(**by))
        self.served.gateway.clock.advance(timedelta(**by))
        await self.served.gateway.worker.drain()

    def effects(self, kind: str, tool: str = CHAT) -> list[Effect]:
        """What a platform did."""
        return self.served.sandbox.kit.journal.of_kind(tool, kind)

    def misbehaves(self, tool: str, kind: Any, endpoint: str = "*", **rule: Any) -> None:
        """A fault of a platform's."""
        self.served.sandbox.kit.faults.add(tool, kind, endpoint=endpoint, **rule)

    @property
    def bucket(self) -> CloudStorageAdapter:
        """Where the brand's own files are."""
        return self.served.gateway.services.tools.named(CloudStorageAdapter, "assets")

    async def rows(self) -> list[Any]:
        """What we know of platforms' media."""
        return list(await self.served.gateway.services.database.fetch(select(medium)))

    async def known_already(self, number: int, content_type: str = "image/jpeg", size: int = 100) -> list[str]:
        """So many files that were committed before, and as many media; the objects are not there."""
        now = self.served.gateway.clock.now()
        names = [f"01BRAND{content_type[-4:].upper()}{size:08}{each:03}".ljust(26, "0") for each in range(number)]
        rows = [
            {
                "id": each, "bucket": self.bucket.account, "key": f"uploads/message_media/{each}",
                "purpose": "MESSAGE_MEDIA", "size": size, "content_type": content_type, "state": "COMMITTED",
                "how": "PRESIGNED_PUT", "asked_by": "hq", "created_at": now, "expires_at": now, "committed_at": now,
            }
            for each in names
        ]  # fmt: skip
        media = [
            {
                "file": each, "tool": CHAT, "account": "corp", "kind": "IMAGE", "name": "image.jpg",
                "media_id": f"2{each}", "uploaded_at": now, "expires_at": now + timedelta(days=3),
            }
            for each in names
        ]  # fmt: skip
        async with self.served.gateway.services.database.write() as connection:
            await insert_rows(connection, file_ledger, rows)
            await insert_rows(connection, medium, media)
        return [ids.encode("fl", each) for each in names]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(open_served: OpenServed) -> AsyncIterator[Desk]:
    desk = Desk(await open_served())
    yield desk
    desk.served.sandbox.kit.faults.clear()


async def test_the_page_shows_every_document() -> None:
    page = (ROOT / "docs/media.md").read_text("utf-8")
    assert [name for name, text in FILES.items() if f"```graphql\n{text}```" not in page] == []


async def test_the_page_says_what_platforms_take() -> None:
    page = (ROOT / "docs/media.md").read_text("utf-8")
    plain = [each for each in MOST_BYTES if "openxml" not in each]
    assert [each for each in plain if f"`{each}`" not in page] == []
    sizes = {(tool, kind): taken.most_bytes for (tool, kind), taken in TAKEN.items()}
    assert {kind: size >> 10 for (tool, kind), size in sizes.items() if tool == ACCOUNT} == {
        "IMAGE": 2048, "VOICE": 2048, "VIDEO": 10240, "THUMB": 64,
    }  # fmt: skip
    assert {kind: size >> 20 for (tool, kind), size in sizes.items() if tool == CHAT} == {
        "IMAGE": 10, "VOICE": 2, "VIDEO": 10, "FILE": 20, "PUBLISHED": 10,
    }  # fmt: skip


async def test_from_the_grant_to_the_group_send(desk: Desk) -> None:
    sent, uploads = len(desk.effects("group_send")), len(desk.effects("media"))
    file = await desk.file()

    uploaded = await desk.upload(file, "media-000001")

    [effect] = desk.effects("media")[uploads:]
    assert uploaded["mediaId"] == effect.key
    assert (uploaded["account"], uploaded["file"]) == (desk.served.world.corp.corpid, {"id": file})
    assert uploaded["transaction"]["state"] == "COMPLETED"
    asked = {"purpose": "SERVICE", "members": await desk.customers(), "text": "新款到店", "key": "send-picture-1"}
    answer = await desk.play("send", mediaId=uploaded["mediaId"], **asked)
    assert answer["groupSend"]["counts"] == {"targeted": 2, "leftOut": 0}
    assert len(desk.effects("group_send")) == sent + 1

    # It is the same medium under its key and under another one, and nobody is asked.
    with desk.served.counted() as count:
        assert await desk.upload(file, "media-000001") == uploaded
        again = await desk.upload(file, "media-000002")
    assert (count.calls, again["mediaId"]) == ({}, uploaded["mediaId"])
    with desk.served.counted() as count:
        [listed] = await desk.files()
    assert count.calls == {}
    assert (listed["id"], listed["size"]) == (file, len(JPEG))
    assert (await http1.request("GET", listed["url"], {}, b"")).body == JPEG
    [held] = listed["media"]
    assert {name: held[name] for name in ("tool", "kind", "name", "mediaId", "url", "expiresAt")} == {
        "tool": "ENTERPRISE_CHAT", "kind": "IMAGE", "name": "image.jpg", "mediaId": uploaded["mediaId"], "url": None,
        "expiresAt": uploaded["expiresAt"],
    }  # fmt: skip


async def test_a_medium_lives_for_three_days(desk: Desk) -> None:
    file = await desk.file()
    first = await desk.upload(file, "media-000001")
    await desk.later(days=2, hours=17)
    assert (await desk.upload(file, "media-000002"))["mediaId"] == first["mediaId"]
    # A message may wait for its guide: what is about to end is not handed out again.
    await desk.later(hours=2)
    second = await desk.upload(file, "media-000003")
    assert second["mediaId"] != first["mediaId"]
    assert [each["mediaId"] for each in (await desk.files())[0]["media"]] == [second["mediaId"]]
    gone = await desk.play("delete", file=file, key="delete-0001")
    assert gone["file"] == {
        "id": file, "upload": {"state": "DELETED"},
        "media": [{"tool": "ENTERPRISE_CHAT", "expiresAt": second["expiresAt"]}],
    }  # fmt: skip
    assert await desk.files() == []
    assert (await desk.upload(file, "media-000004"))["code"] == "FILE_DELETED"
    await desk.later(days=3, hours=1)
    node = await desk.served.client().data("query ($f: ID!) { file(id: $f) { url media { mediaId } } }", f=file)
    assert node["file"] == {"url": None, "media": []}


async def test_it_is_uploaded_and_sent_in_one_transaction(desk: Desk) -> None:
    before = len(desk.effects("group_send"))
    file = await desk.file()
    asked = {"purpose": "SERVICE", "members": await desk.customers(), "text": "新款到店", "file": file}
    client = desk.served.client()
    answer = await client.data(FILES["upload-and-send"], key="both-000001", **asked)
    assert answer["send"]["groupSend"]["counts"]["targeted"] == 2
    [row] = await desk.rows()
    assert row.media_id == answer["upload"]["mediaId"]
    assert await client.data(FILES["upload-and-send"], key="both-000001", **asked) == answer
    assert len(desk.effects("group_send")) == before + 1
    # What is undone leaves a medium that nobody is shown, and which serves the next request.
    refused = await client.data(FILES["upload-and-send"], key="both-000002", **asked | {"text": "长" * 1334})
    assert (refused["send"]["code"], refused["send"]["cause"]) == ("TRANSACTION_ROLLED_BACK", "BAD_USER_INPUT")
    assert refused["upload"]["code"] == "TRANSACTION_ROLLED_BACK"
    assert [each.media_id for each in await desk.rows()] == [row.media_id]


async def test_an_official_account_is_given_the_very_bytes(desk: Desk) -> None:
    main = desk.served.world.official_accounts[0].appid
    shelf = desk.served.sandbox.platforms[ACCOUNT].accounts[main].shelf  # type: ignore[attr-defined]
    files = {
        "IMAGE": await desk.file(),
        "THUMB": await desk.file(),
        "VOICE": await desk.file(b"ID3 a greeting", "audio/mpeg"),
        "VIDEO": await desk.file(b"....ftyp a film", "video/mp4"),
    }
    held = {}
    for kind, file in files.items():
        done = await desk.upload(file, f"upload-{kind}", tool="OFFICIAL_ACCOUNT", kind=kind, account=main)
        held[kind] = done["mediaId"]
    kept = {kind: shelf.media[number][1] for kind, number in held.items()}
    assert kept == {"IMAGE": JPEG, "THUMB": JPEG, "VOICE": b"ID3 a greeting", "VIDEO": b"....ftyp a film"}
    before = len(desk.effects("mass_sent", ACCOUNT))
    content = {"pictures": {"mediaIds": [held["IMAGE"]], "line": "新款"}}
    mass = {"content": content, "purpose": "SERVICE", "tag": {"name": "会员"}, "idempotencyKey": "mass-picture"}
    sent = await desk.served.client().data(MASS, input=mass)
    assert sent["massMessageSend"]["massMessage"]["kind"] == "PICTURES"
    assert len(desk.effects("mass_sent", ACCOUNT)) == before + 1


async def test_a_document_has_the_name_that_it_is_given(desk: Desk) -> None:
    file = await desk.file(b"%PDF-1.7 a catalogue", "application/pdf")
    first = await desk.upload(file, "upload-catalogue", kind="FILE", name="winter-2026.pdf")
    plain = await desk.upload(file, "upload-a-plain-one", kind="FILE")
    assert first["mediaId"] != plain["mediaId"]
    [found] = await desk.files()
    assert {each["name"]: each["mediaId"] for each in found["media"]} == {
        "winter-2026.pdf": first["mediaId"], "file.pdf": plain["mediaId"],
    }  # fmt: skip


async def test_a_large_film_is_read_in_pieces(desk: Desk) -> None:
    film = await desk.file(b"....ftyp" + bytes(MOST_BYTES["video/mp4"] - 8), "video/mp4")
    with desk.served.counted() as count:
        assert (await desk.upload(film, "upload-a-large-one", kind="VIDEO"))["mediaId"]
    assert count.calls["cloud_storage"] == 3


async def test_the_picture_of_a_code_is_the_brands_own(desk: Desk) -> None:
    made = await desk.served.client().data(
        'mutation { miniProgramCodeCreate(input: {scene: "store=88", idempotencyKey: "code-for-a-message"}) {'
        " ... on MiniProgramCodeCreated { miniProgramCode { file { id } } } } }"
    )
    file = made["miniProgramCodeCreate"]["miniProgramCode"]["file"]["id"]
    assert (await desk.upload(file, "upload-a-code"))["mediaId"]


async def test_a_picture_is_published_for_ever(desk: Desk) -> None:
    before = len(desk.effects("picture"))
    file = await desk.file()
    answer = await desk.play("publish", file=file, key="publish-0001")
    assert (answer["account"], answer["transaction"]["state"]) == (desk.served.world.corp.corpid, "COMPLETED")
    assert [each.key for each in desk.effects("picture")[before:]] == [answer["url"]]
    welcome = {"text": "欢迎", "attachment": {"picture": {"url": answer["url"]}}, "idempotencyKey": "welcome-picture"}
    shown = (await desk.served.client().data(WELCOME, input=welcome))["groupWelcomeCreate"]["groupWelcome"]
    assert (shown["attachment"]["kind"], shown["attachment"]["url"]) == ("PICTURE", answer["url"])
    await desk.later(days=30)
    assert (await desk.play("publish", file=file, key="publish-0002"))["url"] == answer["url"]
    [held] = (await desk.files())[0]["media"]
    assert (held["kind"], held["mediaId"], held["url"], held["expiresAt"]) == ("IMAGE", None, answer["url"], None)
    assert len(desk.effects("picture")) == before + 1


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "truncate"])
@pytest.mark.parametrize(("which", "endpoint"), [("upload", UPLOADING), ("publish", PUBLISHING)])
async def test_a_lost_answer_is_asked_for_again(desk: Desk, fault: str, which: str, endpoint: str) -> None:
    file = await desk.file()

    async def act() -> dict[str, Any]:
        if which == "upload":
            return await desk.upload(file, "lost-000001")
        return await desk.play("publish", file=file, key="lost-000001")

    desk.misbehaves(CHAT, fault, endpoint, calls=(1,))
    await act()
    await desk.later(minutes=2)
    answer = await act()
    [row] = await desk.rows()
    assert (row.media_id or row.url) == answer.get("mediaId", answer.get("url"))
    assert answer["transaction"]["state"] == "COMPLETED"


async def test_two_at_once_do_no_harm(desk: Desk) -> None:
    file = await desk.file()
    answers = await asyncio.gather(*(desk.upload(file, f"at-once-{number:06}") for number in range(4)))
    [row] = await desk.rows()
    assert row.media_id in {each["mediaId"] for each in answers}
    assert (await desk.upload(file, "afterwards"))["mediaId"] == row.media_id


async def test_what_platforms_do_not_take_is_not_uploaded(desk: Desk) -> None:
    picture, film = await desk.file(), await desk.file(b"....ftyp a film", "video/mp4")
    [large] = await desk.known_already(1, size=(2 << 20) + 1)
    wrong: tuple[tuple[str, dict[str, Any]], ...] = (
        (picture, {"kind": "THUMB"}),
        (picture, {"kind": "VOICE"}),
        (film, {}),
        (picture, {"tool": "OFFICIAL_ACCOUNT", "kind": "FILE"}),
        (large, {"tool": "OFFICIAL_ACCOUNT"}),
        (picture, {"name": "尺码.jpg"}),
        (picture, {"name": "../a.jpg"}),
        (picture, {"name": "coat.exe"}),
        (picture, {"name": "x" * (NAME_LENGTH - 3) + ".jpg"}),
    )
    with desk.served.counted() as count:
        for number, (file, given) in enumerate(wrong):
            assert (await desk.upload(file, f"wrong-{number:06}", **given))["code"] == "BAD_USER_INPUT", given
        assert (await desk.play("publish", file=film, key="publish-0001"))["code"] == "BAD_USER_INPUT"
    assert count.calls == {}


async def test_only_the_brands_own_files_are_handed_on(desk: Desk) -> None:
    shopper = desk.served.client("frontend", "protagonist")
    begin = (ROOT / "examples/files/begin.graphql").read_text("utf-8")
    asked = {"purpose": "PICTURE", "contentType": "image/jpeg", "size": 9, "how": "PRESIGNED_PUT"}
    theirs = await shopper.data(begin, upload=asked | {"idempotencyKey": "a-shoppers-own"})
    folder = (await shopper.data("{ me { files { nodes { id } } } }"))["me"]["files"]["nodes"][0]["id"]
    pending = (await desk.begun())["file"]["id"]
    with desk.served.counted() as count:
        codes = [
            (await desk.upload(file, f"not-ours-{number}"))["code"]
            for number, file in enumerate((theirs["fileUploadBegin"]["file"]["id"], folder, pending))
        ]
    assert codes == ["FILE_UNKNOWN", "FILE_UNKNOWN", "FILE_NOT_UPLOADED"]
    assert count.calls == {}
    assert (await desk.upload("bm8", "not-an-id"))["code"] == "ID_INVALID"
    assert (await desk.upload(await desk.file(), "short"))["code"] == "IDEMPOTENCY_KEY_REQUIRED"


async def test_what_was_replaced_after_its_commit_is_not_sent(desk: Desk) -> None:
    before = len(desk.effects("media"))
    for number, content in enumerate((JPEG[:-1] + b"!", JPEG + b"more", JPEG[:-1])):
        file = await desk.file()
        await desk.bucket.put(f"uploads/message_media/{ids.decode(file)[2]}", content, "image/jpeg")
        assert (await desk.upload(file, f"replaced-{number}"))["code"] == "FILE_MISMATCH"
    assert len(desk.effects("media")) == before


@pytest.mark.parametrize("caller", ["guide", "frontend", "partner"])
async def test_who_sends_no_messages_has_no_media(desk: Desk, caller: str) -> None:
    file = await desk.file()
    await desk.upload(file, "media-000001")
    client = desk.served.client(caller)
    upload = {"file": file, "tool": "ENTERPRISE_CHAT", "kind": "IMAGE", "idempotencyKey": "media-000001"}
    for which, given in (
        ("begin", {"contentType": "image/jpeg", "size": 9, "key": "begin-000001"}),
        ("upload", {"input": upload}),
        ("publish", {"file": file, "key": "publish-0001"}),
        ("files", {}),
    ):
        refused = await client.ask(FILES[which], **given)
        assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN", which
        assert "messages:send" in refused["errors"][0]["message"]
    assert (await desk.play("commit", caller, file=file))["code"] == "FILE_UNKNOWN"
    assert (await desk.play("delete", caller, file=file, key="delete-0001"))["code"] == "FILE_UNKNOWN"
    read = await client.ask("query ($f: ID!) { file(id: $f) { id media { mediaId } } }", f=file)
    if caller == "guide":
        assert read["data"] == {"file": {"id": file, "media": None}}
    else:
        assert read["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("tool", [CHAT, "cloud_storage"])
async def test_a_platform_that_is_down_is_a_problem_and_no_medium(desk: Desk, tool: str) -> None:
    file = await desk.file()
    desk.misbehaves(tool, "status", value=503)
    problem = await desk.upload(file, "media-000001")
    assert problem == {"code": "UNAVAILABLE", "message": problem["message"], "retryable": True}
    assert await desk.rows() == []
    with desk.served.counted() as count:
        assert [each["media"] for each in await desk.files()] == [[]]
    assert count.calls == {}
    desk.served.sandbox.kit.faults.clear()
    await desk.later(minutes=2)
    assert (await desk.upload(file, "media-000002"))["mediaId"]


async def test_a_tool_that_is_not_run_takes_none(open_served: OpenServed) -> None:
    desk = Desk(await open_served(without(ACCOUNT)))
    file = await desk.file()
    refused = await desk.upload(file, "media-000001", tool="OFFICIAL_ACCOUNT")
    assert refused["code"] == "TOOL_NOT_CONFIGURED"
    assert (await desk.upload(file, "media-000002"))["mediaId"]


async def test_grants_say_what_fits(desk: Desk) -> None:
    client = desk.served.client()
    begin = (ROOT / "examples/files/begin.graphql").read_text("utf-8")
    member = (await desk.customers())[0]
    usual = {"purpose": "MESSAGE_MEDIA", "contentType": "audio/amr", "size": 2 << 20, "how": "POST_POLICY"}
    wrong: tuple[dict[str, Any], ...] = (
        {"size": (2 << 20) + 1}, {"size": 5}, {"contentType": "image/webp"}, {"member": member},
        {"contentType": "video/mp4", "size": (10 << 20) + 1},
        {"contentType": "application/pdf", "size": (20 << 20) + 1},
    )  # fmt: skip
    for number, changes in enumerate(wrong):
        asked = usual | changes | {"idempotencyKey": f"wrong-{number:06}"}
        assert (await client.data(begin, upload=asked))["fileUploadBegin"]["code"] == "BAD_USER_INPUT", changes
    made = await client.data(begin, upload=usual | {"idempotencyKey": "right-000001"})
    assert made["fileUploadBegin"]["grant"]["fields"]
    assert [each["id"] for each in await desk.files()] == []


async def test_a_page_of_files_costs_the_same(desk: Desk) -> None:
    costs: list[tuple[dict[str, int], int]] = []
    await desk.known_already(50)
    for number in (1, 10, 50):
        with desk.served.counted() as count:
            found = await desk.files(first=number)
        assert [len(each["media"]) for each in found] == [1] * number
        costs.append((count.calls, count.statements))
    assert costs == [({}, costs[0][1])] * 3
