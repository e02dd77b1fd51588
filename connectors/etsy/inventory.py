"""A listing's inventory record, which is written as a whole: read, patched, put.

Every field that is not meant is sent back as it was read. What an answer has and a request may not have (ids, `is_deleted`,
`scale_name`, a price as an object) is left out: etsy/open-api issue 159, developers.etsy.com/documentation/tutorials/listings.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bridge.contract.errors import BridgeError, Refused
from bridge.wire.payload import Payload, count, part, rows, text
from connectors.etsy.client import Client
from connectors.etsy.identity import group_of
from connectors.etsy.judge import is_about_zero
from connectors.etsy.mapping import is_closed, is_sold_out, offering, on, products_of
from connectors.etsy.payload import moment

__all__ = ["Inventories", "Record", "patched"]

Patch = Callable[[Payload, dict[str, Any], dict[str, Any]], None]
_ON = ("price", "quantity", "sku", "readiness_state")
_VALUE = ("property_id", "value_ids", "scale_id", "property_name", "values")
_FEE = "which costs Etsy's fee: renew it on Etsy, or set the channel's `renew = true`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A listing with its inventory, as read at `at`."""

    listing: Payload
    inventory: Payload
    at: datetime

    @property
    def identity(self) -> str:
        """The listing's id."""
        return str(count(self.listing, "listing_id"))

    @property
    def closed(self) -> bool:
        """Whether it is out of sale with the last unit in it."""
        return is_closed(self.listing, self.inventory)

    @property
    def asleep(self) -> bool:
        """Whether it offers nothing, whatever its record says."""
        return is_sold_out(self.listing) or self.closed

    def groups(self) -> set[str]:
        """Name the numbers that it has."""
        properties = on(self.inventory, "quantity")
        return {
            group_of(self.identity, rows(one, "property_values"), properties) for one in products_of(self.inventory)
        }


class Inventories:
    """Reads and writes records, one write of a listing at a time: between its read and its put nobody else of ours may write."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._profile = client.settings.processing_profile
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, listing: str) -> Record:
        """Read one listing and its inventory in one call; raises Gone."""
        path, params = f"listings/{listing}/inventory", (("includes", "Listing"),)
        inventory, response = await self._client.get(path, f"read the inventory of listing {listing}", params)
        told = {"listing_id": int(listing), **part(inventory, "listing")}
        return Record(listing=told, inventory=inventory, at=response.at)

    async def put(self, record: Record, body: Mapping[str, Any]) -> Record:
        """Put an inventory; what Etsy answers is the record now."""
        op = f"write the inventory of listing {record.identity}"
        answer, response = await self._client.write("PUT", f"listings/{record.identity}/inventory", op, body)
        return replace(record, inventory=answer, at=response.at)

    async def move(self, record: Record, state: str) -> Record:
        """Activate or deactivate a listing."""
        path = await self._client.of_shop(f"listings/{record.identity}")
        op = f"set listing {record.identity} to {state}"
        # Deactivating twice is deactivating; activating may cost a fee, so it is not tried again.
        answer, response = await self._client.form("PATCH", path, op, {"state": state}, repeatable=state == "inactive")
        return replace(record, listing=answer, at=response.at)

    async def set_units(self, record: Record, wanted: Mapping[str, int]) -> Record:
        """Write numbers by group; the others stay. Raises Refused where that would cost a fee nobody allowed.

        An error after the first write says that something may have been applied.
        """
        body = patched(record.inventory, _quantities(record, wanted), self._profile)
        if not any(one["quantity"] for made in body["products"] for one in made["offerings"] if one["is_enabled"]):
            return await self._empty(record, body)
        if is_sold_out(record.listing):
            return await self._renewed(record, wanted)
        if record.closed and text(record.listing, "state") == "inactive":
            return await self._reopened(record, body, wanted)
        return await self.put(record, body)

    async def _empty(self, record: Record, body: dict[str, Any]) -> Record:
        """Leave nothing to buy. Where Etsy does not take that of an inventory, the listing is taken out of sale."""
        if record.asleep:
            return record
        try:
            return await self.put(record, body)
        except Refused as error:
            if not is_about_zero(error):
                raise
        if text(record.listing, "state") != "active":
            what = f"listing {record.identity} is {text(record.listing, 'state')}, and Etsy takes no inventory without a unit"
            raise Refused(
                what, where=self._client.where, next_step="it sells nothing as it is; publish it, then `bridge retry`"
            )
        # The one unit first: cut short after it, what is read is a listing on sale with one unit, and the next write goes on from there.
        _leave_one(record, body)
        marked = await self.put(record, body)
        return await _after_a_write(self.move(marked, "inactive"))

    async def _renewed(self, record: Record, wanted: Mapping[str, int]) -> Record:
        """Bring a sold-out listing back. Etsy sets it to one unit as it does so, hence the numbers come after that."""
        self._demand_fee(record, "is sold out, and units bring it back only by a renewal")
        await self.move(record, "active")
        return await _after_a_write(self._filled(record, wanted))

    async def _filled(self, record: Record, wanted: Mapping[str, int]) -> Record:
        # Processing profiles are told of active listings alone, so it is read again.
        fresh = await self.read(record.identity)
        return await self.put(fresh, patched(fresh.inventory, _quantities(record, wanted), self._profile))

    async def _reopened(self, record: Record, body: dict[str, Any], wanted: Mapping[str, int]) -> Record:
        """Bring a listing back that was closed for want of units: free of charge until it expires (help.etsy.com 360000336187).

        It comes back with one unit of what there is, and gets its numbers then: cut short in between, what is read is a listing on
        sale with fewer units than meant, and the next write goes on from there. The other way round it would look like one that
        the seller took out of sale.
        """
        if record.listing.get("ending_timestamp") is None or moment(record.listing, "ending_timestamp") <= record.at:
            self._demand_fee(record, "has expired while it had no units, and only a renewal brings it back")
        _leave_one(record, body)
        await self.put(record, body)
        await _after_a_write(self.move(record, "active"))
        return await _after_a_write(self._filled(record, wanted))

    def _demand_fee(self, record: Record, why: str) -> None:
        if not self._client.settings.renew:
            raise Refused(f"listing {record.identity} {why}, {_FEE}", where=self._client.where, code="renewal")


def patched(inventory: Payload, patch: Patch, profile: int) -> dict[str, Any]:
    """Write an inventory as it was read, with each product changed by `patch`; `profile` where Etsy tells no processing profile."""
    products = []
    for one in products_of(inventory):
        known = offering(one)
        price = part(known, "price")
        offered: dict[str, Any] = {
            "price": count(price, "amount") / (count(price, "divisor") or 1),
            "quantity": count(known, "quantity"),
            "is_enabled": bool(known.get("is_enabled")),
            "readiness_state_id": known.get("readiness_state_id") or profile or None,
        }
        values = [{name: value.get(name) for name in _VALUE} for value in rows(one, "property_values")]
        made: dict[str, Any] = {"sku": text(one, "sku"), "property_values": values, "offerings": [offered]}
        patch(one, made, offered)
        products.append(made)
    return {"products": products, **{f"{name}_on_property": on(inventory, name) for name in _ON}}


def _quantities(record: Record, wanted: Mapping[str, int]) -> Patch:
    """Patch the rows that are meant. A listing that offers nothing has no other numbers: what stands there is not for sale."""
    properties = on(record.inventory, "quantity")

    def patch(one: Payload, made: dict[str, Any], offered: dict[str, Any]) -> None:
        del made
        group = group_of(record.identity, rows(one, "property_values"), properties)
        offered["quantity"] = wanted.get(group, 0 if record.asleep else offered["quantity"])

    return patch


def _leave_one(record: Record, body: dict[str, Any]) -> None:
    """Leave one unit, where there is one, else in the first number that is enabled: Etsy wants one in an inventory."""
    properties = on(record.inventory, "quantity")
    pairs = zip(products_of(record.inventory), body["products"], strict=True)
    named = [(group_of(record.identity, rows(one, "property_values"), properties), made) for one, made in pairs]
    enabled = [(group, made["offerings"][0]) for group, made in named if made["offerings"][0]["is_enabled"]]
    chosen = next((group for group, offered in enabled if offered["quantity"]), enabled[0][0])
    for group, made in named:
        made["offerings"][0]["quantity"] = int(group == chosen)


async def _after_a_write(step: Awaitable[Record]) -> Record:
    """Do the second step of a write: whatever it ends in, the first one is done."""
    try:
        return await step
    except BridgeError as error:
        error.maybe_applied = True
        raise
