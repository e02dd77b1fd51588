"""A listing's inventory record, which is written as a whole: read, changed, put."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bridge.contract.errors import Refused
from bridge.wire.api import Answer, after_a_write
from bridge.wire.payload import part
from connectors.etsy.client import Client
from connectors.etsy.mapping import Record, writable

__all__ = ["Inventories"]

# What Etsy says to an inventory that leaves nothing to buy (etsy/open-api issues 395, 501, 560).
_NO_ZERO = "must have quantity greater than 0"


class Inventories:
    """Reads and writes records, one write of a listing at a time: between its read and its put nobody else of ours may write."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, listing: str) -> Record:
        """Read one listing and its inventory in one call; raises Gone."""
        path, params = f"listings/{listing}/inventory", (("includes", "Listing"),)
        inventory, response = await self._client.get(path, f"read the inventory of listing {listing}", params)
        told = {"listing_id": int(listing), **part(inventory, "listing")}
        return Record(listing=told, inventory=inventory, at=response.at)

    async def put(self, record: Record, body: Mapping[str, Any]) -> Record:
        """Put an inventory; what Etsy answers is the record now."""
        answer, response = await self.put_new(record.identity, body)
        return replace(record, inventory=answer, at=response.at)

    async def put_new(self, listing: str, body: Mapping[str, Any]) -> Answer:
        """Put an inventory in the place of whatever a listing has."""
        path, op = f"listings/{listing}/inventory", f"write the inventory of listing {listing}"
        return await self._client.write("PUT", path, op, body)

    async def update(self, listing: str, form: Mapping[str, str]) -> Answer:
        """Write fields of a listing: setting one to what it is, is harmless; activating may cost a fee, so it is not tried again."""
        path, again = await self._client.of_shop(f"listings/{listing}"), form.get("state") != "active"
        return await self._client.form("PATCH", path, f"update listing {listing}", form, repeatable=again)

    async def set_units(self, record: Record, wanted: Mapping[str, int]) -> Record:
        """Write numbers by their names; the others stay. Raises Refused where that would cost a fee nobody allowed.

        An error after the first write says that something may have been applied.
        """
        body = self._with(record, wanted, asleep=record.asleep)
        if not any(one["quantity"] for _, one in _pairs(record, body) if one["is_enabled"]):
            return await self._empty(record, body)
        if not record.asleep or record.state == "draft":
            return await self.put(record, body)
        self.demand_free(record)
        if record.state == "sold_out":
            return await self._activated(record, wanted)
        # It was closed for want of units, and comes back free of charge until it expires (help.etsy.com 360000336187): first with one
        # unit of what there is, then with its numbers. Cut short in between, what is read is a listing on sale with fewer units than
        # meant, and the next write goes on from there; the other way round it would look like one that the seller took out of sale.
        await self._put_one(record, body)
        return await after_a_write(self._activated(record, wanted))

    def demand_free(self, record: Record) -> None:
        """Raise Refused where to activate a listing would cost a fee that nobody allowed."""
        gone = "sold out" if record.state == "sold_out" else "expired" if record.expired else ""
        if gone and not self._client.settings.renew:
            what = f"listing {record.identity} is {gone}: only a renewal brings it back, which costs Etsy's fee; "
            what += "renew it on Etsy, or set the channel's `renew = true`"
            raise Refused(what, where=self._client.where, code="renewal")

    def _with(self, record: Record, wanted: Mapping[str, int], *, asleep: bool) -> dict[str, Any]:
        """Return its body with these numbers. A listing that was asleep has no others: what stands there was not for sale."""
        body = writable(record, self._client.settings.processing_profile)
        for number, offered in _pairs(record, body):
            offered["quantity"] = wanted.get(number, 0 if asleep else offered["quantity"])
        return body

    async def _empty(self, record: Record, body: dict[str, Any]) -> Record:
        """Leave nothing to buy. Where Etsy does not take that of an inventory, the listing is taken out of sale."""
        if record.asleep:
            return record
        try:
            return await self.put(record, body)
        except Refused as error:
            if _NO_ZERO not in error.what:
                raise
        if record.state != "active":
            what = f"listing {record.identity} is {record.state}, and Etsy takes no inventory without a unit"
            self._client.refuse(what, "it sells nothing as it is; publish it, then `bridge retry`")
        # The one unit first: cut short after it, what is read is a listing on sale with one unit, and the next write goes on from there.
        marked = await self._put_one(record, body)
        try:
            answer, response = await after_a_write(self.update(record.identity, {"state": "inactive"}))
        except Refused:
            # Somebody may have bought that unit: a listing that is sold out cannot be closed, and need not be.
            if not (sold := await after_a_write(self.read(record.identity))).asleep:
                raise
            return sold
        return replace(marked, listing=answer, at=response.at)

    async def _put_one(self, record: Record, body: Mapping[str, Any]) -> Record:
        """Put a body with one unit, where there is one, else in the first number that is enabled: Etsy wants one in an inventory."""
        pairs = _pairs(record, body)
        chosen, _ = min(pairs, key=lambda pair: (not pair[1]["is_enabled"], not pair[1]["quantity"]))
        for number, offered in pairs:
            offered["quantity"] = int(number == chosen)
        return await self.put(record, body)

    async def _activated(self, record: Record, wanted: Mapping[str, int]) -> Record:
        """Put it on sale. Etsy sets one that was sold out to one unit as it does so, hence the numbers come after that."""
        await self.update(record.identity, {"state": "active"})
        # Processing profiles are told of active listings alone, so it is read again. That unit may be bought already: units put into what
        # is sold out are for sale to nobody, or cost the fee.
        now = await after_a_write(self.read(record.identity))
        return now if now.asleep else await after_a_write(self.put(now, self._with(now, wanted, asleep=True)))


def _pairs(record: Record, body: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the offering of each product of a body, with the name of its number."""
    return [(name, made["offerings"][0]) for name, made in zip(record.numbers(), body["products"], strict=True)]
