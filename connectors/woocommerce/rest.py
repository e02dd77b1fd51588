"""Calls of wc/v3 with decoded answers: what the ports stand on."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from bridge.contract.errors import BridgeError, TryLater
from bridge.wire.http import Http, Request, Response
from bridge.wire.paging import by_number
from connectors.woocommerce.judge import only_json
from connectors.woocommerce.limits import AHEAD, PER_PAGE

__all__ = ["Answer", "Rest", "Row", "Rows"]

Row = Mapping[str, Any]
_PASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decoded answer. `at` is the shop's time when it was given."""

    payload: Any
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One page of a list, with the totals that the shop names in its headers."""

    rows: Sequence[Row]
    at: datetime
    pages: int
    total: int


class Rest:
    """One shop's wc/v3."""

    def __init__(self, http: Http) -> None:
        self.http = http

    @contextmanager
    def named(self) -> Iterator[None]:
        """Put the channel's name into errors of our own checks."""
        try:
            yield
        except BridgeError as error:
            error.where = error.where or self.http.where
            raise

    async def read(self, op: str, path: str, **params: str) -> Answer:
        """Read one thing."""
        request = Request(method="GET", path=path, op=op, params=tuple(params.items()), repeatable=True)
        response = await self.http.send(request)
        return Answer(payload=self._decoded(response, request), at=response.at)

    async def rows(self, op: str, path: str, **params: str) -> Rows:
        """Read one page of a list, 100 rows unless `per_page` says otherwise."""
        pairs = tuple({"per_page": str(PER_PAGE), **params}.items())
        request = Request(method="GET", path=path, op=op, params=pairs, repeatable=True)
        response = await self.http.send(request)
        payload = self._decoded(response, request)
        if not isinstance(payload, list) or not all(isinstance(row, dict) for row in payload):
            raise TryLater(f"{op}: the shop answered something other than a list", where=self.http.where)
        full = len(payload) >= int(params.get("per_page", PER_PAGE))
        guess = int(params.get("page", 1)) + (1 if full else 0)
        return Rows(
            rows=payload,
            at=response.at,
            pages=_header(response, "x-wp-totalpages", guess),
            total=_header(response, "x-wp-total", len(payload)),
        )

    def pages(self, op: str, path: str, **params: str) -> AsyncIterator[Rows]:
        """Read all pages of a list, fetched ahead."""

        async def fetch(number: int) -> tuple[Rows, int]:
            page = await self.rows(op, path, page=str(number), **params)
            return page, page.pages

        return by_number(fetch, ahead=AHEAD)

    async def whole(self, op: str, path: str, **params: str) -> AsyncIterator[Rows]:
        """Read a whole list by id; again from the start where a row was deleted meanwhile, as the pages then shift."""
        for _ in range(_PASSES):
            totals: list[int] = []
            async for page in self.pages(op, path, orderby="id", order="asc", **params):
                totals.append(page.total)
                yield page
            if all(one <= other for one, other in pairwise(totals)):
                return

    async def write(self, op: str, method: str, path: str, body: object, *, repeatable: bool = False) -> Answer:
        """Write; bytes are sent as they are, None sends no body. Raises TryLater(maybe_applied=True) if the answer was lost."""
        request = Request(method=method, path=path, op=op, repeatable=repeatable)
        if isinstance(body, bytes):
            request = replace(request, body=body, headers={"content-type": "application/json"})
        elif body is not None:
            request = request.with_json(body)
        response = await self.http.send(request)
        return Answer(payload=self._decoded(response, request), at=response.at)

    def _decoded(self, response: Response, request: Request) -> Any:
        try:
            return replace(response, content=only_json(response.content)).json()
        except BridgeError as error:
            error.where = self.http.where
            if isinstance(error, TryLater):
                error.maybe_applied = not request.repeatable
            raise


def _header(response: Response, name: str, otherwise: int) -> int:
    # Caches and proxies strip X-WP-Total now and then; a full page then counts as "there may be more".
    text = response.headers.get(name, "")
    return int(text) if text.isdigit() else otherwise
