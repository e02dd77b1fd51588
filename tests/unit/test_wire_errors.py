"""Whatever goes wrong on the wire becomes one of the four errors, and says whether the call may have taken effect."""

import inspect
from datetime import UTC, datetime

import httpx
import pytest

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Response, default_judge, retry_after, snippet
from tests.unit.make import T0
from tests.unit.wirebench import READ, WRITE, Server, failure, simulate


def transport_errors() -> list[type[httpx.TransportError]]:
    """Every error class of httpx that a transport can raise, its own future additions included."""
    found = [one for _, one in inspect.getmembers(httpx, inspect.isclass) if issubclass(one, httpx.TransportError)]
    assert len(found) > 10
    return found


# The request cannot have reached the shop: no connection stood yet.
NEVER_SENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol}


@pytest.mark.parametrize("kind", transport_errors(), ids=lambda kind: kind.__name__)
def test_every_transport_error_is_one_of_the_four(kind: type[httpx.TransportError]) -> None:
    async def main(server: Server) -> None:
        error = await failure(server.http.send(WRITE))
        assert isinstance(error, BridgeError)
        assert isinstance(error, NeedsPerson if kind is httpx.UnsupportedProtocol else TryLater)
        assert error.maybe_applied == (kind not in NEVER_SENT)
        assert error.where == "shop"
        assert "write things" in error.what

    simulate(main, kind("broken"), attempts=1)


def test_no_other_error_of_httpx_gets_past_the_wire() -> None:
    """Decoding and redirect errors belong to HTTPError too; what is left are faults of the caller's own."""
    left = {
        name
        for name, one in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(one, Exception) and not issubclass(one, httpx.HTTPError)
    }
    assert left == {
        "CookieConflict", "InvalidURL", "RequestNotRead", "ResponseNotRead", "StreamClosed", "StreamConsumed", "StreamError"
    }  # fmt: skip


@pytest.mark.parametrize("kind", [httpx.DecodingError, httpx.TooManyRedirects])
def test_an_answer_that_cannot_be_decoded_may_still_have_been_applied(kind: type[httpx.RequestError]) -> None:
    async def main(server: Server) -> None:
        error = await failure(server.http.send(WRITE))
        assert isinstance(error, TryLater)
        assert error.maybe_applied

    simulate(main, kind("odd"))


def test_a_broken_content_encoding_is_try_later() -> None:
    async def main(server: Server) -> None:
        error = await failure(server.http.send(WRITE))
        assert isinstance(error, TryLater)
        assert error.maybe_applied

    def half_zipped(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"not gzip at all"))

    simulate(main, half_zipped)


@pytest.mark.parametrize(
    ("status", "kind", "maybe"),
    [(301, NeedsPerson, False), (302, NeedsPerson, False), (400, Refused, False), (401, NeedsPerson, False), (403, NeedsPerson, False),
     (404, Gone, False), (408, TryLater, True), (409, Refused, False), (410, Gone, False), (422, Refused, False), (429, TryLater, False),
     (500, TryLater, True), (502, TryLater, True), (503, TryLater, True), (504, TryLater, True), (599, TryLater, True)],
)  # fmt: skip
def test_every_status_is_one_of_the_four(status: int, kind: type[BridgeError], maybe: bool) -> None:
    async def main(server: Server) -> None:
        error = await failure(server.http.send(WRITE))
        assert type(error) is kind
        assert error.code == str(status)
        assert error.maybe_applied is maybe

    simulate(main, httpx.Response(status, text="no"), attempts=1)


@pytest.mark.parametrize("status", range(200, 300, 9))
def test_success_is_no_error(status: int) -> None:
    answer = Response(op="x", status=status, headers={}, content=b"", at=T0, ms=0)
    assert default_judge(WRITE, answer) is None


def test_redirects_are_not_followed_and_name_the_other_place() -> None:
    async def main(server: Server) -> None:
        error = await failure(server.http.send(READ))
        assert isinstance(error, NeedsPerson)
        assert "https://www.shop.test/" in str(error)
        assert "url" in error.next_step
        assert len(server.sent) == 1

    simulate(main, httpx.Response(301, headers={"location": "https://www.shop.test/"}))


def test_a_web_page_instead_of_json_says_so() -> None:
    async def main(server: Server) -> None:
        answer = await server.http.send(WRITE)
        with pytest.raises(TryLater, match=r"a web page instead of JSON.*Maintenance") as caught:
            answer.json()
        assert caught.value.maybe_applied

    simulate(main, httpx.Response(200, html="<!DOCTYPE html><title>Maintenance</title>"))


def test_truncated_json_says_so_and_may_have_been_applied() -> None:
    async def main(server: Server) -> None:
        answer = await server.http.send(WRITE)
        with pytest.raises(TryLater, match="not JSON") as caught:
            answer.json()
        assert caught.value.maybe_applied

    simulate(main, httpx.Response(200, content=b'{"id": 1, "lines": [{"a"'))


def test_snippets_are_short_single_lines() -> None:
    assert snippet(b"a\n\n  b\tc") == "a b c"
    assert snippet(b"x" * 500) == "x" * 160 + "..."
    assert snippet(b"\xff\xfe") == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("0.5", 0.5), ("-4", 0.0), ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0), ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
     ("Sun, 22 Nov 2026 12:00:30", None), ("soon", None), ("", None), ("nan", None), ("inf", None)],
)  # fmt: skip
def test_retry_after_in_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, T0) == seconds


def test_retry_after_may_be_absent() -> None:
    assert retry_after({}, T0) is None


def test_time_is_the_platforms_own() -> None:
    async def main(server: Server) -> datetime:
        return (await server.http.send(READ)).at

    date = {"date": "Tue, 03 Nov 2026 10:00:00 GMT"}
    assert simulate(main, httpx.Response(200, headers=date)) == datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("date", [{}, {"date": "yesterday"}])
def test_without_a_readable_date_our_own_time_serves(date: dict[str, str]) -> None:
    async def main(server: Server) -> None:
        assert (await server.http.send(READ)).at == server.loop.now()

    simulate(main, httpx.Response(200, headers=date))


def test_an_error_names_the_channel_the_code_and_the_next_step() -> None:
    error = TryLater("read things: HTTP 503", where="shop", code="503", next_step="wait")
    assert str(error) == "shop: read things: HTTP 503 [503]\n  next: wait"
