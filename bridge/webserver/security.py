"""What protects the page in the browser: the headers of every answer, forms that only we can have made, redirects that stay here."""

from collections.abc import Collection, Mapping
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["FormError", "SecureHeaders", "caller", "from_here", "read_form", "stays_here"]

_MAX_FORM = 64 * 1024
_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
# Not "no-referrer": with it, browsers send `Origin: null` along with forms (Fetch standard, "append a request Origin header").
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class SecureHeaders:
    """Adds the headers to every answer; a header that the answer sets itself stays."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)


def caller(request: Request) -> str:
    """Return the address that a request comes from, behind a reverse proxy too.

    Only a proxy beside us (on this machine or in a private network) is asked: it puts the address it was called from last into
    X-Forwarded-For, whatever the client had written there before.
    """
    peer = request.client.host if request.client else ""
    told = request.headers.getlist("x-forwarded-for")
    return told[-1].rpartition(",")[2].strip() if told and _beside_us(peer) else peer


def _beside_us(peer: str) -> bool:
    try:
        return ip_address(peer).is_private
    except ValueError:
        return False


class FormError(Exception):
    """A form that cannot be read. `status` is the answer's."""

    def __init__(self, status: int, what: str) -> None:
        super().__init__(what)
        self.status = status
        self.what = what


async def read_form(request: Request) -> dict[str, str]:
    """Read a form as browsers send it, by its own small reader: no more than 64 KiB, a name given twice is an error."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormError(415, "this is no form that a page here sends")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MAX_FORM:
            raise FormError(413, "the form is larger than any page here sends")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError as error:
        raise FormError(400, "the form cannot be read") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FormError(400, "the form names a field twice")
    return fields


def from_here(headers: Mapping[str, str], public_url: str) -> bool:
    """Tell whether a form was sent from one of our own pages, by what the browser says of it.

    Browsers say so in `Sec-Fetch-Site` (not on plain HTTP outside loopback) or `Origin` (with every form). Nothing said, nothing
    refused: then the token in the form decides alone.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or origin in {
        _origin(public_url),
        f"http://{headers.get('host')}",
        f"https://{headers.get('host')}",
    }


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def stays_here(target: str, pages: Collection[str]) -> str:
    """Return an address to go to after the login: one of our pages with its query, or the first page."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return "/"
    if parts.scheme or parts.netloc or parts.path not in pages:
        return "/"
    query = urlencode(parse_qsl(parts.query))
    return f"{parts.path}?{query}" if query else parts.path
