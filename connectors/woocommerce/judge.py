"""Answers of WooCommerce as the four errors. Its status codes mislead, so its own codes and words decide first."""

from typing import Any

import msgspec

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.http import Request, Response, default_judge, snippet

__all__ = ["judge", "only_json"]

_HINTS_401 = (
    (
        "secret is invalid",
        "copy the consumer secret again, or make a new key in WooCommerce > Settings > Advanced > REST API",
    ),
    ("timestamp", "set this machine's clock (the shop accepts 15 minutes either way), then run `bridge check`"),
    (
        "signature",
        "check consumer_secret; if it is right, url must be the very address in WordPress Settings > General",
    ),
    ("permission", "give the key Read/Write permissions in WooCommerce > Settings > Advanced > REST API"),
)
_UNKNOWN_KEY = (
    "check consumer_key; if it is right, the shop does not see the key: set sign_calls = true "
    "(a server that drops the Authorization header, or https that ends at a proxy in front)"
)
_NO_KEY = "the shop did not see a key: check that url is the shop's own address, then run `bridge check`"
_PERMALINKS = "in WordPress Settings > Permalinks choose anything but Plain; check that url is the shop's address"


def judge(request: Request, response: Response) -> BridgeError | None:
    """Say which of the four errors an answer is; None when it is a success."""
    if response.status < 300:
        return _not_json(request, response)
    if response.status < 400:
        return default_judge(request, response)
    fault = _fault(response)
    if not fault:
        return _without_words(request, response)
    code, message = str(fault.get("code", "")), str(fault.get("message", ""))
    text = f"{request.op}: {message}{_params(fault)} (HTTP {response.status})"
    if response.status == 401:
        return _unauthorised(text, code, message)
    if response.status == 403:
        step = "make the key for a user with the role Administrator or Shop manager"
        return NeedsPerson(text, code=code, next_step=step)
    return _by_code(text, code, response.status) or _with_code(default_judge(request, response), text, code)


def _not_json(request: Request, response: Response) -> BridgeError | None:
    """A maintenance page answers 200 as well; found here, a read of it is tried again."""
    if only_json(response.content)[:1] in {b"{", b"[", b'"'}:
        return None
    return TryLater(
        f"{request.op}: the shop answered a web page instead of JSON: {snippet(response.content)}",
        code=str(response.status),
        maybe_applied=not request.repeatable,
        next_step="open the url in a browser: is it the shop itself, and is it in maintenance?",
    )


def _by_code(text: str, code: str, status: int) -> BridgeError | None:
    if code == "rest_no_route":
        return NeedsPerson(text, code=code, next_step="is WooCommerce active in that shop? run `bridge check`")
    # A write to a missing object says 400, a read of it 404; both mean that it is no more.
    if status in {400, 404} and code.endswith("_invalid_id"):
        return Gone(text, code=code)
    if code == "woocommerce_rest_invalid_product_id":
        return Refused(text, code=code, next_step="run `bridge link`: the product is listed by a variation's id")
    # A refund above what is left says 500, and would say so for ever.
    if code == "woocommerce_rest_cannot_create_order_refund":
        return Refused(
            text, code=code, next_step="compare with the refunds of the order in the shop, then `bridge retry`"
        )
    if code in {"product_invalid_sku", "woocommerce_rest_product_not_created"}:
        step = "the SKU is taken, perhaps by a product in the trash: empty the trash or rename, then `bridge retry`"
        return Refused(text, code=code, next_step=step)
    return Refused(text, code=code) if status == 501 else None


def _unauthorised(text: str, code: str, message: str) -> BridgeError:
    lowered = message.lower()
    # A repeated nonce was not acted upon, and the next attempt is signed with a new one.
    if "missing" in lowered:
        return NeedsPerson(text, code=code, next_step=_NO_KEY)
    if "nonce" in lowered:
        return TryLater(text, code=code)
    for word, hint in _HINTS_401:
        if word in lowered:
            return NeedsPerson(text, code=code, next_step=hint)
    return NeedsPerson(text, code=code, next_step=_UNKNOWN_KEY)


def _without_words(request: Request, response: Response) -> BridgeError | None:
    error = default_judge(request, response)
    if response.status == 404 and error is not None:
        return NeedsPerson(f"{error.what}", code="404", next_step=_PERMALINKS)
    return error


def _with_code(error: BridgeError | None, text: str, code: str) -> BridgeError | None:
    if error is not None:
        error.what, error.code, error.args = text, code, (text,)
    return error


def _fault(response: Response) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(only_json(response.content))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return value if isinstance(value, dict) and "code" in value else {}


def _params(fault: dict[str, Any]) -> str:
    data = fault.get("data")
    params = data.get("params") if isinstance(data, dict) else None
    return f" {'; '.join(map(str, params.values()))}" if isinstance(params, dict) else ""


def only_json(content: bytes) -> bytes:
    """Return the body without the byte order mark that a badly saved theme file puts in front of every answer."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")
