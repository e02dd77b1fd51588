"""The OAuth 1.0a signer against a real server's verdicts, an independent check and the `woocommerce` package."""

import base64
import hashlib
import hmac
import json
import re
import string
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from woocommerce.oauth import OAuth

from bridge.wire.oauth1 import base_string, sign

KEY, SECRET = "ck_realwoo00000000000000000000000000000rw", "cs_realwoo00000000000000000000000000000rw"
RECORDED = Path(__file__).parents[1] / "connectors" / "woocommerce" / "payloads" / "11.0.1-auth.json"
UNRESERVED = (string.ascii_letters + string.digits + "-._~").encode()


def escape(text: str) -> str:
    """Percent-encode after RFC 3986, written out byte by byte on purpose: nothing shared with the signer."""
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in text.encode())


def verdict(method: str, url: str, secret: str) -> bool:
    """Check a signed url the way RFC 5849, 3.2 tells a server to, from the bytes that arrived."""
    where, _, query = url.partition("?")
    pairs = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "oauth_signature"]
    given = dict(parse_qsl(query))["oauth_signature"]
    normal = "&".join("=".join(pair) for pair in sorted((escape(name), escape(value)) for name, value in pairs))
    base = f"{method}&{escape(where)}&{escape(normal)}"
    digest = hmac.new(f"{escape(secret)}&".encode(), base.encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), given)


def signed(url: str, params: list[tuple[str, str]], method: str = "GET") -> str:
    return f"{url}?{urlencode(sign(method, url, params, key=KEY, secret=SECRET, timestamp=1795363693, nonce='n1'))}"


@pytest.mark.parametrize("name", ["246_http_oauth1_query_hmac-sha256", "248_http_oauth1_brackets", "257_https_oauth1"])
def test_gives_the_signature_that_a_real_shop_accepted(name: str) -> None:
    call = json.loads(RECORDED.read_text())[name]
    assert call["status"] == 200
    sent = parse_qsl(urlsplit(call["url"]).query)
    others = [(name, value) for name, value in sent if not name.startswith("oauth_")]
    proto = dict(sent)
    ours = sign(
        call["method"],
        call["url"].partition("?")[0],
        others,
        key=KEY,
        secret=SECRET,
        timestamp=int(proto["oauth_timestamp"]),
        nonce=proto["oauth_nonce"],
    )
    assert dict(ours)["oauth_signature"] == proto["oauth_signature"]


def test_the_independent_check_agrees_with_what_real_shops_accepted_and_refused() -> None:
    calls = json.loads(RECORDED.read_text())
    accepted, refused = calls["246_http_oauth1_query_hmac-sha256"], calls["253_http_oauth1_bad_signature"]
    assert (accepted["status"], refused["status"]) == (200, 401)
    assert verdict("GET", accepted["url"], SECRET)
    assert not verdict("GET", refused["url"], SECRET)


NAMES = st.text(string.ascii_letters + string.digits + "_[]/%&=+ é", min_size=1, max_size=8)


@given(st.lists(st.tuples(NAMES, st.text(max_size=12)), max_size=6))
def test_any_parameters_pass_an_independent_server_check(params: list[tuple[str, str]]) -> None:
    params = [(name, value.encode("utf-8", "replace").decode()) for name, value in params]
    assert verdict("GET", signed("http://shop.example:8088/wp-json/wc/v3/products", params), SECRET)


@pytest.mark.parametrize(
    "params",
    [
        [("search", "a/b")],
        [("search", "%2F")],
        [("include[]", "1"), ("include[]", "2")],
        [("sku", "")],
        [("after", "2026-01-01T00:00:00+02:00")],
    ],
)
def test_the_hard_cases_pass_and_a_changed_value_does_not(params: list[tuple[str, str]]) -> None:
    url = signed("http://shop.example/wp-json/wc/v3/products", params)
    assert verdict("GET", url, SECRET)
    assert not verdict("PUT", url, SECRET)
    assert not verdict("GET", re.sub("n1", "n2", url), SECRET)


PLAIN = st.text(string.ascii_letters + string.digits + "-_.~:, ", min_size=1, max_size=12).map(str.strip).filter(bool)


@given(st.dictionaries(st.text(string.ascii_lowercase + "_", min_size=1, max_size=8), PLAIN, max_size=5))
def test_equals_the_woocommerce_package_where_that_one_is_right(params: dict[str, str]) -> None:
    url = "http://shop.example/wp-json/wc/v3/products"
    theirs = OAuth(url=url, consumer_key=KEY, consumer_secret=SECRET, version="wc/v3", method="GET", oauth_timestamp=1)
    ours = dict(sign("GET", url, list(params.items()), key=KEY, secret=SECRET, timestamp=1, nonce="n"))
    signature = ours.pop("oauth_signature")
    assert theirs.generate_oauth_signature(dict(ours), url) == signature


def test_is_right_where_the_package_is_wrong() -> None:
    url = "http://shop.example/wp-json/wc/v3/products"
    for params in ([("search", "a/b")], [("search", "%2F")]):
        ours = dict(sign("GET", url, params, key=KEY, secret=SECRET, timestamp=1, nonce="n"))
        right = ours.pop("oauth_signature")
        theirs = OAuth(url=url, consumer_key=KEY, consumer_secret=SECRET, version="wc/v3", method="GET")
        wrong = theirs.generate_oauth_signature(dict(ours), url)
        assert wrong != right
        assert verdict("GET", f"{url}?{urlencode({**ours, 'oauth_signature': right})}", SECRET)
        assert not verdict("GET", f"{url}?{urlencode({**ours, 'oauth_signature': wrong})}", SECRET)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Shop.Example:80/a", "http://shop.example/a"),
        ("https://shop.example:443/a?x=1", "https://shop.example/a"),
        ("http://shop.example:8088", "http://shop.example:8088/"),
        ("http://[::1]:8088/a", "http://[::1]:8088/a"),
    ],
)
def test_base_uri_leaves_out_what_the_rfc_leaves_out(url: str, expected: str) -> None:
    assert base_string("get", url, []).split("&")[:2] == ["GET", escape(expected)]


def test_a_query_in_the_url_is_signed() -> None:
    assert base_string("GET", "http://a/b?x=1", [("y", "2")]) == base_string(
        "GET", "http://a/b", [("x", "1"), ("y", "2")]
    )
