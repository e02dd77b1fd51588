"""The usual calls of a JSON API, and what its refusals mean by their status."""

import httpx
import pytest

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.api import JsonApi, escaped
from bridge.wire.http import Response
from bridge.wire.judging import error_of, kind_of
from tests.unit.make import T0
from tests.unit.wirebench import Server, failure, simulate


def api(server: Server) -> JsonApi:
    return JsonApi(server.around, server.http, root="v1/")


def test_answers_are_objects_and_may_be_empty() -> None:
    async def main(server: Server) -> None:
        assert (await api(server).get("things", "read things", (("a", "b"),)))[0] == {"id": 1}
        assert (await api(server).post("things", "find things", {"q": 1}))[0] == {}
        assert [str(request.url) for _, request in server.sent] == [
            "https://shop.test/api/v1/things?a=b", "https://shop.test/api/v1/things"
        ]  # fmt: skip
        assert server.sent[1][1].content == b'{"q":1}'
        assert await api(server).read("things", "read things") == {}

    simulate(main, httpx.Response(200, json={"id": 1}), httpx.Response(204))


def test_a_name_is_one_part_of_a_path() -> None:
    assert escaped("A B/C?d") == "A%20B%2FC%3Fd"


def test_anything_but_an_object_is_asked_for_later() -> None:
    async def main(server: Server) -> None:
        error = await failure(api(server).get("things", "read things"))
        assert isinstance(error, TryLater)
        assert error.maybe_applied

    simulate(main, httpx.Response(200, json=[1]))


def test_a_write_is_sent_once_unless_it_may_be_repeated() -> None:
    async def main(server: Server) -> None:
        await failure(api(server).write("PUT", "things", "write things", {}))
        assert len(server.sent) == 1
        await failure(api(server).write("PUT", "things", "write things", {}, repeatable=True))
        assert len(server.sent) == 1 + 2
        await failure(api(server).send_text("things", "write things", '{"as": "written"}'))
        assert server.sent[-1][1].content == b'{"as": "written"}'
        assert len(server.sent) == 1 + 2 + 1

    simulate(main, httpx.Response(500, text="unwell"), attempts=2)


def test_a_form_is_sent_once_unless_it_may_be_repeated() -> None:
    async def main(server: Server) -> None:
        await failure(api(server).form("PATCH", "things", "write things", {"a": "b c"}))
        assert (server.sent[0][1].method, server.sent[0][1].content) == ("PATCH", b"a=b+c")
        assert len(server.sent) == 1
        await failure(api(server).form("PATCH", "things", "write things", {}, repeatable=True))
        assert len(server.sent) == 1 + 2

    simulate(main, httpx.Response(500, text="unwell"), attempts=2)


def test_it_counts_and_closes_all_its_pools() -> None:
    async def main(server: Server) -> None:
        both = JsonApi(server.around, server.http, server.http)
        await both.get("things", "read things")
        assert both.calls == 2
        await both.close()

    simulate(main, httpx.Response(200, json={}))


@pytest.mark.parametrize(
    ("status", "kind", "unsure"),
    [
        (400, Refused, False), (401, NeedsPerson, False), (403, NeedsPerson, False), (404, Gone, False), (408, TryLater, True),
        (409, Refused, False), (410, Gone, False), (429, TryLater, False), (500, TryLater, True), (503, TryLater, True),
    ],
)  # fmt: skip
def test_a_status_says_which_error_it_is(status: int, kind: type[BridgeError], unsure: bool) -> None:
    response = Response(op="o", status=status, headers={"retry-after": "7"}, content=b"", at=T0, ms=1)
    error = error_of(kind_of(status), "what", response, code="c", step="do")
    assert type(error) is kind
    assert error.code == "c"
    assert error.maybe_applied == unsure
    if isinstance(error, TryLater):
        assert error.after == 7
        assert error_of("later", "what", response, after=3.0).after == 3  # type: ignore[attr-defined]
    else:
        assert error.next_step == "do"
