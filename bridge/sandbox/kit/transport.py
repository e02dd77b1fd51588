"""httpx transport that answers from ASGI apps in this process, so that a whole shop fits into a test or a demo."""

import httpx
from starlette.types import ASGIApp, Message

from bridge.sandbox.kit.faults import CutConnectionError


class InProcess(httpx.AsyncBaseTransport):
    """Routes each request to the app that stands for its host; an unknown host refuses the connection."""

    def __init__(self, apps: dict[str, ASGIApp]) -> None:
        self.apps = apps

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        app = self.apps.get(request.url.host)
        if app is None:
            raise httpx.ConnectError(f"no sandbox answers for {request.url.host}", request=request)
        body = await request.aread()
        answer = _Answer()
        try:
            await app(_scope(request), _once(body), answer.send)
        except CutConnectionError as error:
            raise httpx.ReadError("the connection was cut", request=request) from error
        return httpx.Response(answer.status, headers=answer.headers, content=b"".join(answer.parts), request=request)


class _Answer:
    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", []))
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))


def _scope(request: httpx.Request) -> dict[str, object]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)),
        "client": ("127.0.0.1", 50000),
    }


def _once(body: bytes):  # type: ignore[no-untyped-def]
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
