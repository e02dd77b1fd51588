"""What became of edits that Amazon accepted: ACCEPTED is said of everything, and shown minutes later or never. The listing tells.

A ticket carries how the edited fields looked before, so that a value which is neither the old nor the new one is known for Amazon's own
form of the new one.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from bridge.contract.errors import Gone
from bridge.contract.ports import ProductEdit, ProductResult
from bridge.domain.catalog import Product
from connectors.amazon.catalog import Catalog
from connectors.amazon.client import Client
from connectors.amazon.limits import PATIENCE, USUAL

__all__ = ["EditTickets", "edit_ticket"]

_EDIT = "edit"


def edit_ticket(at: datetime, edit: ProductEdit) -> str:
    """Make the ticket of a patch: when it was accepted, and what the fields were."""
    marks = [f"{name}={_mark(_value(edit.current, name))}" for name, _ in _wanted(edit)]
    return f"{_EDIT} {at.isoformat()} {','.join(marks)}"


class EditTickets:
    """The port of accepted edits. A call edits one listing (Limits.product_batch), so a ticket is about one."""

    def __init__(self, client: Client, catalog: Catalog) -> None:
        self._client = client
        self._catalog = catalog

    async def look(self, ticket: str, edits: Sequence[ProductEdit]) -> Sequence[ProductResult] | None:
        """Say whether the listing shows the edit; None while it does not."""
        since, before = self._parts(ticket)
        found = {one.id: one for one in await self._catalog.get([edit.current.id for edit in edits])}
        results = []
        for edit in edits:
            there = found.get(edit.current.id)
            if there is None:
                results.append(ProductResult(id=edit.current.id, reason="the listing is no more at Amazon"))
            elif not self._shows(there, edit, before, since):
                return None
            else:
                results.append(ProductResult(id=there.id, product=there))
        return results

    def _shows(self, there: Product, edit: ProductEdit, before: dict[str, str], since: datetime) -> bool:
        """Whether every field has its new value, or after a while another one than before. Raises Gone after half an hour."""
        age = self._client.now() - since
        marks = {name: (_value(there, name), value) for name, value in _wanted(edit)}
        late = age > USUAL
        old = [n for n, (now, new) in marks.items() if now != new and not (late and _mark(now) != before.get(n))]
        if old and age > PATIENCE:
            what = f"Amazon accepted {', '.join(old)} {PATIENCE} ago and does not show it"
            raise Gone(what, where=self._client.where)
        return not old

    def _parts(self, ticket: str) -> tuple[datetime, dict[str, str]]:
        kind, _, rest = ticket.partition(" ")
        at, _, marks = rest.partition(" ")
        try:
            if kind == _EDIT:
                return datetime.fromisoformat(at), dict(one.split("=", 1) for one in marks.split(","))
        except ValueError:
            pass
        raise Gone("the ticket is none of ours", where=self._client.where)


def _wanted(edit: ProductEdit) -> Iterator[tuple[str, object]]:
    """The edited fields with their new values; a listing has one variant."""
    for name in sorted(edit.fields):
        yield name, getattr(edit, name)
    for variant in edit.variants:
        for name in sorted(variant.fields):
            yield name, getattr(variant, name)


def _value(product: Product, name: str) -> object:
    return getattr(product if hasattr(product, name) else product.variants[0], name)


def _mark(value: object) -> str:
    return sha256(repr(value).encode()).hexdigest()[:8]
