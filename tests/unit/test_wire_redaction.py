"""No secret in any error text, repr or log record."""

import logging
from collections.abc import Callable

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.contract.errors import TryLater
from bridge.wire.http import Request, Response
from bridge.wire.redact import Redactor
from tests.unit.make import T0
from tests.unit.wirebench import Server, failure, simulate

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=40).filter(
    lambda text: "*" not in text
)


@given(st.lists(secrets, min_size=1, max_size=4), st.text(max_size=20), st.text(max_size=20))
def test_no_given_secret_survives_wherever_it_stands(hidden: list[str], before: str, after: str) -> None:
    redact = Redactor(hidden)
    for secret in hidden:
        assert secret not in redact(before + secret + after)


@given(secrets, secrets)
def test_one_secret_inside_another_leaves_no_rest(inner: str, tail: str) -> None:
    outer = inner + tail
    redact = Redactor([inner, outer])
    assert redact(f"x {outer} y") == "x *** y"


@given(secrets, secrets)
def test_a_secret_learnt_later_is_hidden_whole_too(inner: str, tail: str) -> None:
    redact = Redactor([inner + tail])
    redact.add(inner)
    assert redact(f"x {inner + tail} y") == "x *** y"


@pytest.mark.parametrize(
    "text",
    ["https://shop.test/?consumer_key=ck_x&consumer_secret=SECRETSECRET&page=2", '{"access_token": "SECRETSECRET"}',
     "Authorization: Bearer SECRETSECRET", "authorization: basic SECRETSECRET==", "client_secret=SECRETSECRET",
     '{"client_secret":"SECRETSECRET","grant":"x"}', "token shpat_SECRETSECRET", "shpca_SECRETSECRET", "ck_SECRETSECRET", "cs_SECRETSECRET",
     "oauth_signature=SECRETSECRET%3D&a=1", '{"refresh_token" : "SECRETSECRET"}', 'OAuth oauth_nonce="SECRETSECRET"',
     '{"signature_key":"SECRETSECRET'],
)  # fmt: skip
def test_what_looks_like_a_secret_is_hidden_though_nobody_named_it(text: str) -> None:
    assert "SECRETSECRET" not in Redactor()(text)


@pytest.mark.parametrize(
    "text", ["order 17 has 3 lines", "the basic plan", "stock_quantity=4", "https://shop.test/?page=2"]
)
def test_plain_text_stays_plain(text: str) -> None:
    assert Redactor(["s3cret-value"])(text) == text


def test_very_short_secrets_are_left_alone() -> None:
    """Hiding every "a" would make an error unreadable, and a secret of three characters is none."""
    assert Redactor(["a", ""])("a cat") == "a cat"


@pytest.mark.parametrize(
    "answer",
    [
        lambda secret: httpx.Response(400, text=f"bad key {secret}"),
        lambda secret: httpx.Response(500, text=f"<p>{secret}</p>"),
        lambda secret: httpx.Response(429, text=secret),
        lambda secret: httpx.Response(301, headers={"location": f"https://x.test/?key={secret}"}),
        lambda secret: httpx.ReadError(f"cut while reading {secret}"),
        lambda secret: httpx.ConnectError(f"cannot connect to https://u:{secret}@shop.test"),
        lambda secret: httpx.UnsupportedProtocol(f"what is {secret}"),
    ],
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=st.text(st.sampled_from("abcXYZ0189_-"), min_size=8, max_size=24))
def test_no_error_shows_a_secret(
    answer: Callable[[str], httpx.Response | Exception], secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.clear()

    async def sign(request: Request) -> Request:
        return Request(
            method="GET", path=request.path, op=request.op, params=(("key", secret),), headers={"x-token": secret}
        )

    async def main(server: Server) -> None:
        error = await failure(server.http.send(Request(method="GET", path="things", op="read things")))
        for text in (str(error), repr(error), str(error.args), error.what, error.next_step):
            assert secret not in text

    simulate(main, answer(secret), sign=sign, secrets=(secret,), attempts=1)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bridge")]
    assert not [text for text in ours if secret in text]


@pytest.mark.parametrize("before", range(120, 165, 4))
def test_a_snippet_that_ends_inside_a_secret_shows_no_part_of_it(before: int) -> None:
    async def main(server: Server) -> None:
        error = await failure(server.http.send(Request(method="GET", path="things", op="read things")))
        assert "SECRET" not in str(error)

    body = "-" * before + "SECRETSECRETSECRET" + "-" * 100
    simulate(main, httpx.Response(400, text=body), secrets=("SECRETSECRETSECRET",))


def test_log_records_carry_neither_query_nor_headers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="bridge")

    async def main(server: Server) -> None:
        await server.http.send(Request(method="GET", path="things?consumer_secret=SECRETSECRET", op="read things"))

    simulate(main)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("bridge")]
    assert len(ours) == 1
    assert "http.call shop GET read things 200" in ours[0]
    assert "SECRETSECRET" not in ours[0]


def test_httpx_itself_logs_no_secret_of_a_query(caplog: pytest.LogCaptureFixture) -> None:
    """httpx logs every URL at INFO, query included; WooCommerce's OAuth and its query keys stand there."""
    caplog.set_level(logging.DEBUG)

    async def main(server: Server) -> None:
        params = (("consumer_key", "ck_public00000000"), ("consumer_secret", "SECRETSECRET"))
        await server.http.send(Request(method="GET", path="things", op="read things", params=params))

    simulate(main, secrets=("SECRETSECRET",))
    assert not [record for record in caplog.records if "SECRETSECRET" in record.getMessage()]


def test_requests_and_responses_show_no_body_and_no_headers() -> None:
    request = Request(method="POST", path="x", op="x", body=b"SECRETSECRET", headers={"authorization": "SECRETSECRET"})
    response = Response(op="x", status=200, headers={}, content=b"SECRETSECRET", at=T0, ms=1)
    assert "SECRETSECRET" not in repr(request)
    assert "SECRETSECRET" not in repr(response)


def test_a_body_that_is_not_json_does_not_show_a_token() -> None:
    response = Response(op="x", status=200, headers={}, content=b'{"access_token": "SECRETSECRET", ', at=T0, ms=1)
    with pytest.raises(TryLater) as caught:
        response.json()
    assert "SECRETSECRET" not in str(caught.value)
