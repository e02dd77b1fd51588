"""A platform's JSON API: the usual calls, whose answers are objects."""

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import NoReturn, TypeVar
from urllib.parse import quote

from bridge.contract.errors import BridgeError, Gone, NeedsPerson, Refused, TryLater
from bridge.wire.access import Access
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.payload import Payload

__all__ = ["Answer", "JsonApi", "Params", "after_a_write", "escaped", "forbidden", "given", "if_allowed", "if_there"]

T = TypeVar("T")
D = TypeVar("D")
Answer = tuple[Payload, Response]
Params = tuple[tuple[str, str], ...]


class JsonApi:
    """What connectors' clients have in common. `http` carries the calls, `others` are pools that belong to it (tokens, a second grant).

    `root` stands before every path. Where there is an `access`, a call has its token before it takes its part of the budget: calls that
    wait for a token would all leave at once. Raises what `Http.send` raises.
    """

    def __init__(
        self, around: Surroundings, http: Http, *others: Http, root: str = "", access: Access | None = None
    ) -> None:
        self.where = http.where
        self.now = around.now
        self.http = http
        self._pools = (http, *others)
        self._root = root
        self._access = access

    @property
    def calls(self) -> int:
        """How many calls were sent, repeats and those for tokens included."""
        return sum(http.calls for http in self._pools)

    async def close(self) -> None:
        """Close all pools."""
        for http in self._pools:
            await http.aclose()

    async def get(self, path: str, op: str, params: Params = ()) -> Answer:
        """Read something."""
        return await self.ask(Request(method="GET", path=path, op=op, params=params, repeatable=True))

    async def read(self, path: str, op: str, params: Params = ()) -> Payload:
        """Read something where it does not matter when the platform said it."""
        return (await self.get(path, op, params))[0]

    async def post(self, path: str, op: str, body: object, params: Params = ()) -> Answer:
        """Ask a question that has a body, or write what may be written twice."""
        return await self.write("POST", path, op, body, params=params, repeatable=True)

    async def write(
        self,
        method: str,
        path: str,
        op: str,
        body: object = None,
        *,
        params: Params = (),
        headers: Mapping[str, str] | None = None,
        repeatable: bool = False,
    ) -> Answer:
        """Write something. Unless it is `repeatable`, a lost answer is not followed by a second try."""
        request = Request(method=method, path=path, op=op, params=params, headers=headers or {}, repeatable=repeatable)
        return await self.ask(request if body is None else request.with_json(body))

    async def form(
        self, method: str, path: str, op: str, fields: Mapping[str, str], *, repeatable: bool = False
    ) -> Answer:
        """Write fields as a form; the same rules as for `write`."""
        request = Request(method=method, path=path, op=op, repeatable=repeatable)
        return await self.ask(request.with_form(tuple(fields.items())))

    async def send_text(self, path: str, op: str, body: str) -> Answer:
        """Send JSON that was written down before, byte for byte, and once."""
        headers = {"content-type": "application/json"}
        return await self.ask(Request(method="POST", path=path, op=op, body=body.encode(), headers=headers))

    async def ask(self, request: Request) -> Answer:
        """Send a call and read its answer, which may be empty; raises TryLater where it is anything but an object."""
        if self._access is not None:
            await self._access.token()
        response = await self.http.send(replace(request, path=f"{self._root}{request.path}"))
        payload = response.json() if response.content else {}
        if not isinstance(payload, dict):
            raise TryLater(f"{request.op}: the answer is no JSON object", where=self.where, maybe_applied=True)
        return payload, response

    def refuse(self, what: str, step: str = "", code: str = "") -> NoReturn:
        """Raise Refused for what the platform does not take, or cannot express, with what to do about it, and its code if it said one."""
        raise Refused(what, where=self.where, next_step=step, code=code)


def given(**params: str) -> Params:
    """Return the parameters of a call by the platform's names for them; what is empty is not asked for."""
    return tuple((name, value) for name, value in params.items() if value)


def escaped(name: str) -> str:
    """Write a name of anybody's choice (a SKU) as one part of a path."""
    return quote(name, safe="")


async def if_there(call: Awaitable[T], otherwise: D) -> T | D:
    """Make a call; `otherwise` is the answer where the thing that it is about is no more."""
    try:
        return await call
    except Gone:
        return otherwise


async def after_a_write(step: Awaitable[T]) -> T:
    """Take the next step of a write that has several: whatever it ends in, the ones before it are done."""
    try:
        return await step
    except BridgeError as error:
        error.maybe_applied = True
        raise


async def if_allowed(call: Awaitable[T], otherwise: D, *codes: str) -> T | D:
    """Make a call; `otherwise` is the answer where the platform says by one of these codes that these credentials may not."""
    try:
        return await call
    except NeedsPerson as error:
        if error.code not in codes:
            raise
        return otherwise


async def forbidden(call: Awaitable[object], *codes: str) -> bool:
    """Tell whether a call is not allowed, which the platform says by one of these codes; any other answer shows that it is."""
    try:
        await call
    except NeedsPerson as error:
        if error.code not in codes:
            raise
        return True
    except (Gone, Refused):
        return False
    return False
