"""One shop's GraphQL endpoint: sends the named operations, follows inner connections, watches the API version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.contract.errors import NeedsPerson, Refused
from bridge.wire.http import Http, Request, Response
from bridge.wire.paging import by_cursor
from connectors.shopify.documents import INNER, LOCATIONS, WHO, Operation
from connectors.shopify.limits import VERSION
from connectors.shopify.mapping import gid, short

__all__ = ["PATH", "Answer", "Shop", "after", "refuse"]

PATH = f"admin/api/{VERSION}/graphql.json"

# owner type -> the connections of it that a first page may cut short.
_WHOLE = {
    "Product": ("variants", "media"),
    "Order": ("lineItems", "fulfillmentOrders"),
    "Refund": ("refundLineItems",),
    "FulfillmentOrder": ("lineItems",),
    "Fulfillment": ("fulfillmentLineItems",),
    "InventoryItem": ("inventoryLevels",),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The `data` of a reply, and the platform's time."""

    data: Any
    at: datetime


class Shop:
    """The endpoint all ports of a channel share."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self._served = VERSION
        self._currency = ""

    async def ask(self, operation: Operation, variables: Mapping[str, Any], *, cost: float | None = None) -> Answer:
        """Run one operation and return its data. Nulls in `variables` are sent: for Shopify they say something."""
        request = Request(
            method="POST", path=PATH, op=operation.name, repeatable=not operation.write or operation.keyed,
            cost=float(cost or operation.cost),
        ).with_json({"query": operation.text, "operationName": operation.name, "variables": variables})  # fmt: skip
        return await self.post(request, write=operation.write)

    async def post(self, request: Request, *, write: bool) -> Answer:
        """Send a ready request; a write is not sent while the shop serves another API version than ours."""
        if write:
            self._demand_version(request.op)
        response = await self.http.send(request)
        self._note_version(response)
        if not write:
            self._demand_version(request.op)
        return Answer(response.json()["data"], response.at)

    async def currency(self) -> str:
        """Return the shop's currency, asked for once."""
        if not self._currency:
            self._currency = (await self.ask(WHO, {})).data["shop"]["currencyCode"]
        return self._currency

    async def locations(self) -> list[dict[str, Any]]:
        """Read every location of the shop."""

        async def page(cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
            found = (await self.ask(LOCATIONS, {"after": cursor})).data["locations"]
            return found["nodes"], after(found)

        return [node async for nodes in by_cursor(page) for node in nodes]

    async def complete(self, owner: str, nodes: Sequence[dict[str, Any]]) -> None:
        """Read on in every connection of these nodes that its page cut short, in place."""
        for node in nodes:
            for connection in _WHOLE[owner]:
                await self._read_on(owner, node, connection)
            if owner == "Order":
                await self.complete("Refund", node.get("refunds") or ())
                await self.complete("FulfillmentOrder", (node.get("fulfillmentOrders") or {}).get("nodes") or ())
                await self.complete("Fulfillment", node.get("fulfillments") or ())

    async def _read_on(self, owner: str, node: dict[str, Any], connection: str) -> None:
        # A malformed node is left as it is: the mapping names what is missing and sets it aside.
        first = after(node[connection]) if node.get(connection) else None
        if not first:
            return

        async def page(cursor: str | None) -> tuple[list[Any], str | None]:
            variables = {"id": gid(owner, short(node["id"])), "after": cursor or first}
            whole = (await self.ask(INNER[owner, connection], variables)).data["node"]
            # The owner may be deleted between two pages: what was read so far is all there will be.
            return (whole[connection]["nodes"], after(whole[connection])) if whole else ([], None)

        async for more in by_cursor(page):
            node[connection]["nodes"].extend(more)

    def _note_version(self, response: Response) -> None:
        # A version past its support does not fail: the oldest supported one answers instead, and only this header tells.
        self._served = response.headers.get("x-shopify-api-version") or self._served

    def _demand_version(self, op: str) -> None:
        if self._served != VERSION:
            raise NeedsPerson(
                f"{op}: asked for API version {VERSION}, but the shop answers with {self._served}",
                where=self.http.where,
                code=self._served,
                next_step="update the bridge: this version of it speaks an API that Shopify no longer serves",
            )


def after(connection: Mapping[str, Any]) -> str | None:
    """Return the cursor of the next page, None after the last."""
    info = connection["pageInfo"]
    return info["endCursor"] if info["hasNextPage"] else None


def refuse(op: str, errors: Sequence[Mapping[str, Any]], *, where: str) -> None:
    """Raise Refused for the user errors of a mutation, if there are any."""
    if errors:
        first = errors[0]
        at = ".".join(first.get("field") or ()) or "the call"
        texts = "; ".join(str(error["message"]) for error in errors[:3])
        raise Refused(
            f"{op}: Shopify refuses it at {at}: {texts}",
            where=where,
            code=str(first.get("code") or ""),
            next_step="mend the value it names, then `bridge retry`",
        )
