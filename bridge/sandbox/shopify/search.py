"""Searches over the tables: which fields each kind knows, and how to find hits without reading every row."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bridge.sandbox.shopify import orders as rules
from bridge.sandbox.shopify import query as syntax
from bridge.sandbox.shopify.model import Item, Level, Order, Product, Record, Variant
from bridge.sandbox.shopify.query import Group, Node, Term
from bridge.sandbox.shopify.state import State, split
from bridge.sandbox.shopify.table import Table

Match = Callable[[Any, Term], bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of record is searched."""

    table: Callable[[State], Table[Any]]
    fields: dict[str, Match]
    texts: Callable[[Any], list[str | None]]
    known: dict[str, set[str]]


def _text(get: Callable[[Any], str | None]) -> Match:
    return lambda row, term: syntax.text_matches(get(row), term)


def _any_sku(row: Product | Order | Item, term: Term) -> bool:
    if isinstance(row, Item):
        return syntax.text_matches(row.sku, term)
    skus = (part.sku for part in (row.variants if isinstance(row, Product) else row.lines))
    return any(syntax.text_matches(sku, term) for sku in skus)


def _number(row: Record, term: Term) -> bool:
    return syntax.number_matches(row.number, _bare(term))


def _bare(term: Term) -> Term:
    """Let a global id stand for its number."""
    return Term(term.field, term.operator, str(split(term.value)[1]) if "/" in term.value else term.value, term.phrase)


def _order_status(row: Order) -> set[str]:
    if row.cancelled_at is not None:
        return {"cancelled", "any"}
    return {"closed", "any"} if row.closed_at is not None else {"open", "not_closed", "any"}


def _financial(row: Order) -> set[str]:
    return {(rules.financial_status(row) or "pending").casefold(), "any"}


def _fulfillment(row: Order) -> set[str]:
    names = {"FULFILLED": {"fulfilled", "shipped"}, "PARTIALLY_FULFILLED": {"partial"}}
    return names.get(rules.fulfillment_status(row), {"unfulfilled", "unshipped"}) | {"any"}


def _customer_id(row: Order, term: Term) -> bool:
    return row.customer is not None and syntax.number_matches(row.customer.number, _bare(term))


def _order_location(row: Order, term: Term) -> bool:
    return row.retail_location is not None and syntax.number_matches(row.retail_location.number, _bare(term))


def _tags(row: Any, term: Term) -> bool:
    return any(syntax.text_matches(tag, term) for tag in row.tags)


STATUSES = {"active", "archived", "draft"}
ORDER_STATUSES = {"open", "closed", "cancelled", "not_closed", "any"}
PRODUCT = Kind(
    lambda state: state.products,
    {
        "id": _number,
        "title": _text(lambda row: row.title),
        "handle": _text(lambda row: row.handle),
        "vendor": _text(lambda row: row.vendor),
        "product_type": _text(lambda row: row.product_type),
        "status": lambda row, term: syntax.choice_matches({row.status.casefold()}, term),
        "tag": _tags,
        "sku": _any_sku,
        "barcode": lambda row, term: any(syntax.text_matches(part.barcode, term) for part in row.variants),
        "variant_id": lambda row, term: any(syntax.number_matches(part.number, _bare(term)) for part in row.variants),
        "inventory_total": lambda row, term: syntax.number_matches(
            sum(part.item.sellable() for part in row.variants if part.item.tracked), term
        ),
    },
    lambda row: [row.title, row.vendor, row.product_type, *row.tags, *(part.sku for part in row.variants)],
    {"status": STATUSES},
)
VARIANT = Kind(
    lambda state: state.variants,
    {
        "id": _number,
        "title": _text(lambda row: row.title),
        "sku": _text(lambda row: row.sku),
        "barcode": _text(lambda row: row.barcode),
        "product_id": lambda row, term: syntax.number_matches(row.product.number, _bare(term)),
        "product_ids": lambda row, term: syntax.choice_matches({str(row.product.number)}, term),
        "product_status": lambda row, term: syntax.choice_matches({row.product.status.casefold()}, term),
        "product_type": _text(lambda row: row.product.product_type),
        "vendor": _text(lambda row: row.product.vendor),
        "tag": lambda row, term: _tags(row.product, term),
        "inventory_quantity": lambda row, term: syntax.number_matches(row.item.sellable(), term),
        "location_id": lambda row, term: any(
            syntax.number_matches(number, _bare(term)) for number, level in row.item.levels.items() if level.is_active
        ),
    },
    lambda row: [row.title, row.sku, row.barcode, row.product.title],
    {"product_status": STATUSES},
)
ITEM = Kind(lambda state: state.items, {"id": _number, "sku": _any_sku}, lambda row: [row.sku], {})
ORDER = Kind(
    lambda state: state.orders,
    {
        "id": _number,
        "name": _text(lambda row: row.name),
        "email": _text(lambda row: row.email),
        "tag": _tags,
        "sku": _any_sku,
        "status": lambda row, term: syntax.choice_matches(_order_status(row), term),
        "financial_status": lambda row, term: syntax.choice_matches(_financial(row), term),
        "fulfillment_status": lambda row, term: syntax.choice_matches(_fulfillment(row), term),
        "source_identifier": _text(lambda row: row.source_identifier),
        "source_name": _text(lambda row: row.source_name),
        "customer_id": _customer_id,
        "location_id": _order_location,
        "discount_code": lambda row, term: (
            bool(row.discount_codes) and syntax.text_matches(row.discount_codes[0], term)
        ),
        "test": lambda row, term: syntax.flag_matches(row.test, term),
    },
    lambda row: [row.name, row.email, row.note, *row.tags],
    {"status": ORDER_STATUSES},
)
LOCATION = Kind(
    lambda state: state.locations,
    {
        "id": _number,
        "location_id": _number,
        "name": _text(lambda row: row.name),
        "active": lambda row, term: syntax.flag_matches(row.is_active, term),
    },
    lambda row: [row.name],
    {},
)
TICKET = Kind(
    lambda state: state.fulfillment_orders,
    {
        "id": _number,
        "status": lambda row, term: syntax.choice_matches({row.status.casefold()}, term),
        "assigned_location_id": lambda row, term: syntax.number_matches(row.location.number, _bare(term)),
    },
    lambda row: [row.order.name],
    {},
)
CUSTOMER = Kind(
    lambda state: state.customers,
    {
        "id": _number,
        "email": _text(lambda row: row.email),
        "phone": _text(lambda row: row.phone),
        "first_name": _text(lambda row: row.first_name),
        "last_name": _text(lambda row: row.last_name),
        "tag": _tags,
    },
    lambda row: [row.display_name, row.email, row.phone, *row.tags],
    {},
)
DISCOUNT = Kind(
    lambda state: state.discounts,
    {
        "id": _number,
        # "Not supported for bulk discounts" (2026-10 schema, discountNodes).
        "code": lambda row, term: (
            len(row.codes) == 1 and any(syntax.text_matches(c.code, term) for c in row.codes.values())
        ),
        "title": _text(lambda row: row.title),
        "method": lambda _, term: syntax.choice_matches({"code"}, term),
        "tag": _tags,
    },
    lambda row: [row.title, *row.tags],
    {"method": {"automatic", "code"}},
)
WEBHOOK = Kind(lambda state: state.webhooks.subscriptions, {"id": _number}, lambda _: [], {})
DATES: dict[str, Callable[[Any], datetime | None]] = {
    "created_at": lambda row: row.created_at,
    "processed_at": lambda row: getattr(row, "processed_at", None),
}


@dataclass(slots=True)
class Search:
    """One search over one kind, bound to the shop's state."""

    state: State
    kind: Kind
    node: Node

    @property
    def lag(self) -> timedelta:
        """The index lags only for searches; plain listings by id read the records themselves."""
        return self.state.lag if self.node != syntax.EVERYTHING else timedelta(0)

    def knows(self, field: str) -> bool:
        """Tell whether the kind can be searched by this field."""
        if field == "processed_at":
            return self.kind is ORDER
        dated = self.kind is not LOCATION and field in ("created_at", "updated_at")
        return field == "" or dated or field in self.kind.fields

    def warnings(self) -> list[dict[str, str]]:
        """Return what Shopify would warn about: unknown fields, and values that a field never has."""
        found = []
        for term in syntax.terms(self.node):
            if not self.knows(term.field):
                text = "Invalid search field for this query."
                found.append({"field": term.field, "message": text, "code": "invalid_field"})
            elif term.field in self.kind.known and not syntax.choice_matches(self.kind.known[term.field], term):
                text = f"Input `{term.value}` is not an accepted value."
                found.append({"field": term.field, "message": text, "code": "invalid_value"})
        return found

    def matches(self, row: Any, node: Node | None = None) -> bool:
        """Tell whether a record is a hit; terms of unknown fields count as matched."""
        node = self.node if node is None else node
        if isinstance(node, Group):
            if node.kind == "not":
                return not all(self.matches(row, part) for part in node.parts)
            check = any if node.kind == "or" else all
            return check(self.matches(row, part) for part in node.parts)
        return self._term_matches(row, node)

    def _term_matches(self, row: Any, term: Term) -> bool:
        if not self.knows(term.field):
            return True
        if term.field == "":
            return any(syntax.text_matches(text, term) for text in self.kind.texts(row))
        hours = self.state.settings.utc_offset
        if term.field == "updated_at":
            changed = self.kind.table(self.state).indexed_at(row.number, self.lag)
            return syntax.date_matches(changed, term, hours)
        if term.field in DATES:
            return syntax.date_matches(DATES[term.field](row), term, hours)
        return self.kind.fields[term.field](row, term)

    def visible(self, row: Any) -> bool:
        """Tell whether the search index knows the record already."""
        return not self.lag or self.kind.table(self.state).indexed_at(row.number, self.lag) is not None

    def hits(self, after: int = 0) -> Iterator[Any]:
        """Yield the hits, oldest id first, those with numbers up to `after` left out."""
        for row in self._candidates(after):
            if self.visible(row) and self.matches(row):
                yield row

    def since(self) -> datetime | None:
        """Return the lower bound of updated_at that every hit obeys."""
        return _since(self.node, self.state)

    def _candidates(self, after: int) -> Iterator[Any]:
        table = self.kind.table(self.state)
        for term in syntax.required(self.node):
            found = self._indexed(term)
            if found is not None:
                rows = {row.number: row for row in found}
                return (rows[number] for number in sorted(rows))
        since = self.since()
        if since is not None:
            rows = {row.number: row for _, row in table.by_change(since, self.lag)}
            return (rows[number] for number in sorted(rows))
        return (table.rows[number] for number in table.numbers[bisect_right(table.numbers, after) :])

    def _indexed(self, term: Term) -> list[Any] | None:
        """Return the possible hits of a term by a look-up, None where there is no index for it."""
        if term.operator:
            return None
        if term.field == "id" and (bare := _bare(term).value).isdigit():
            row = self.kind.table(self.state).get(int(bare))
            return [row] if row else []
        if term.field == "sku" and self.kind in (PRODUCT, VARIANT, ITEM) and not term.value.endswith("*"):
            return [self._owner(variant) for variant in self.state.with_words(term.value)]
        if term.field == "source_identifier" and self.kind is ORDER and not term.value.endswith("*"):
            return list(self.state.references_with_words(term.value))
        if term.field == "product_id" and self.kind is VARIANT and (bare := _bare(term).value).isdigit():
            product = self.state.products.get(int(bare))
            return list(product.variants) if product else []
        return None

    def _owner(self, variant: Variant) -> Product | Variant | Item:
        return variant.product if self.kind is PRODUCT else variant.item if self.kind is ITEM else variant


class LevelSearch:
    """A search over inventory levels, which have no table of their own: by date of change and by item."""

    def __init__(self, state: State, text: str | None) -> None:
        self.state = state
        self.node = syntax.parse(text)

    def items(self) -> Iterator[Item]:
        """Yield the items whose levels may match; every change of a level marks its item."""
        since = _since(self.node, self.state)
        if since is None:
            return iter(list(self.state.items.rows.values()))
        return (item for _, item in self.state.items.by_change(since, timedelta(0)))

    def matches(self, level: Level, node: Node | None = None) -> bool:
        """Tell whether a level is a hit."""
        node = self.node if node is None else node
        if isinstance(node, Group):
            if node.kind == "not":
                return not all(self.matches(level, part) for part in node.parts)
            check = any if node.kind == "or" else all
            return check(self.matches(level, part) for part in node.parts)
        hours = self.state.settings.utc_offset
        if node.field in ("updated_at", "created_at"):
            return syntax.date_matches(getattr(level, node.field), node, hours)
        if node.field == "inventory_item_id":
            return syntax.number_matches(level.item.number, _bare(node))
        return True


def _since(node: Node, state: State) -> datetime | None:
    """Return the lower bound of updated_at that every hit of a search obeys."""
    bounds = (_bound(term, state) for term in syntax.required(node))
    return max((bound for bound in bounds if bound), default=None)


def _bound(term: Term, state: State) -> datetime | None:
    if term.field != "updated_at" or not term.operator.startswith(">"):
        return None
    try:
        return syntax.date(term, state.settings.utc_offset)[0]
    except ValueError:
        return None
