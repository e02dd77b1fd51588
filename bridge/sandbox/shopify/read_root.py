"""Resolvers of the query root, each with the access scope it needs."""

from typing import Any

from graphql import GraphQLError

from bridge.sandbox.shopify import paging, search
from bridge.sandbox.shopify import query as syntax
from bridge.sandbox.shopify.context import RESOLVERS, Context, Resolver
from bridge.sandbox.shopify.errors import access_denied, wrong_id
from bridge.sandbox.shopify.model import Location
from bridge.sandbox.shopify.search import Kind, Search
from bridge.sandbox.shopify.state import split

Args = dict[str, Any]
Read = Any
PRODUCTS, STOCK, PLACES, ORDERS = "read_products", "read_inventory", "read_locations", "read_orders"
TICKETS = "read_merchant_managed_fulfillment_orders"
COUNT_LIMIT = 10_000


def need(context: Context, name: str, scope: str | None) -> None:
    """Refuse a field the token has no scope for; a write scope includes the read scope."""
    if scope is None:
        return
    if scope not in context.scopes and scope.replace("read_", "write_", 1) not in context.scopes:
        raise access_denied(name, scope)


def _root(name: str, scope: str | None, read: Resolver) -> None:
    def guarded(_: None, context: Context, args: Args) -> Any:
        need(context, name, scope)
        return read(context, args)

    RESOLVERS[f"QueryRoot.{name}"] = guarded


def by_id(kind: str) -> Resolver:
    """Return a reader of one record; an id of another kind is an error, not a null (recorded)."""

    def read(context: Context, args: Args) -> Any:
        found_kind, _ = split(args["id"])
        if found_kind != kind:
            raise wrong_id(f"Invalid id: {args['id']}")
        return context.state.find(args["id"])

    return read


def _search(name: str, kind: Kind, context: Context, args: Args) -> Search:
    """Start a search and note its warnings for `extensions.search`."""
    node = syntax.parse(args.get("query"))
    started = Search(context.state, kind, node)
    warnings = started.warnings()
    if warnings:
        form = syntax.parsed_form(node, context.state.settings.utc_offset)
        context.searches.append({"path": [name], "query": args["query"], "parsed": form, "warnings": warnings})
    return started


def listing(name: str, kind: Kind, default_sort: str = "ID") -> Resolver:
    """Return a reader of a searchable connection."""

    def read(context: Context, args: Args) -> dict[str, Any]:
        paging.window(args)
        return paging.of_search(_search(name, kind, context, args), args, args.get("sortKey") or default_sort)

    return read


def counting(name: str, kind: Kind) -> Resolver:
    """Return a reader of a count; above the limit it says "at least"."""

    def read(context: Context, args: Args) -> dict[str, Any]:
        found = sum(1 for _ in _search(name, kind, context, args).hits())
        limit = args.get("limit", COUNT_LIMIT)
        if limit is not None and found > limit:
            return {"count": limit, "precision": "AT_LEAST"}
        return {"count": found, "precision": "EXACT"}

    return read


def shop(context: Context, _: Args) -> dict[str, Any]:
    settings = context.state.settings
    sign = "-" if settings.utc_offset < 0 else "+"
    return {
        "id": "gid://shopify/Shop/92891250994",
        "name": settings.name,
        "currency_code": settings.currency,
        "myshopify_domain": settings.domain,
        "email": f"owner@{settings.domain}",
        "iana_timezone": f"Etc/GMT{-settings.utc_offset:+d}" if settings.utc_offset else "Etc/GMT",
        "timezone_offset": f"{sign}{abs(settings.utc_offset):02d}00",
        "url": settings.host,
        "weight_unit": "KILOGRAMS",
        "taxes_included": False,
        "plan": {"public_display_name": "Basic", "partner_development": False, "shopify_plus": False},
    }


def _installation(context: Context, _: Args) -> dict[str, Any]:
    scopes = [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(context.scopes)]
    name = context.state.settings.app_name
    app = {"id": "gid://shopify/App/1", "title": name, "handle": name, "api_key": ""}
    return {"id": "gid://shopify/AppInstallation/1", "access_scopes": scopes, "app": app}


def _locations(context: Context, args: Args) -> dict[str, Any]:
    paging.window(args)
    started = _search("locations", search.LOCATION, context, args)
    rows = [row for row in started.hits() if row.is_active or args.get("includeInactive")]
    sort = paging.SORTS[args.get("sortKey") or "NAME"]

    def key(row: Location) -> paging.Key:
        return sort(row), row.number

    return paging.page(sorted(rows, key=key, reverse=bool(args.get("reverse"))), args, key)


def _location(context: Context, args: Args) -> Any:
    if args.get("id") is None:
        return next(iter(context.state.locations.rows.values()))
    return by_id("Location")(context, args)


def _tickets(context: Context, args: Args) -> dict[str, Any]:
    node = syntax.parse(args.get("query"))
    if not args.get("includeClosed"):
        hidden = syntax.Group("not", (syntax.Term("status", "", "closed,cancelled", False),))
        node = syntax.Group("and", (node, hidden))
    paging.window(args)
    return paging.of_search(Search(context.state, search.TICKET, node), args, args.get("sortKey") or "ID")


def _node(context: Context, args: Args) -> Any:
    found = context.state.find(args["id"])
    scopes = {
        "Order": ORDERS,
        "Product": PRODUCTS,
        "ProductVariant": PRODUCTS,
        "InventoryItem": STOCK,
        "Location": PLACES,
        "Customer": "read_customers",
        "DiscountCodeNode": "read_discounts",
    }
    kind = split(args["id"])[0]
    if kind in scopes:
        need(context, "node", scopes[kind])
    return found


def _nodes(context: Context, args: Args) -> list[Any]:
    return [_node(context, {"id": one}) for one in args["ids"]]


def _by_identifier(kind: str) -> Resolver:
    def read(context: Context, args: Args) -> Any:
        identifier = args["identifier"]
        if identifier.get("handle") is not None:
            return context.state.handles.get(identifier["handle"])
        if identifier.get("id") is None:
            raise GraphQLError("Exactly one identifier is required.", extensions={"code": "BAD_REQUEST"})
        return by_id(kind)(context, identifier)

    return read


def _level(context: Context, args: Args) -> Any:
    found = context.state.find_level(args["id"])
    return found if found is not None else None


def _quantity_names(_: Context, __: Args) -> dict[str, Any]:
    return {}


def _operation(context: Context, args: Args) -> Any:
    found = context.state.operations.get(args["id"])
    if found is None:
        return None
    done = found.due <= context.state.now_of()
    return {
        "id": found.id,
        "product": found.product,
        "status": "COMPLETE" if done else "ACTIVE",
        "user_errors": found.user_errors,
    }


ROOTS: dict[str, tuple[str | None, Resolver]] = {
    "shop": (None, shop),
    "currentAppInstallation": (None, _installation),
    "locations": (PLACES, _locations),
    "location": (PLACES, _location),
    "products": (PRODUCTS, listing("products", search.PRODUCT)),
    "product": (PRODUCTS, by_id("Product")),
    "productByIdentifier": (PRODUCTS, _by_identifier("Product")),
    "productsCount": (PRODUCTS, counting("productsCount", search.PRODUCT)),
    "productVariants": (PRODUCTS, listing("productVariants", search.VARIANT)),
    "productVariant": (PRODUCTS, by_id("ProductVariant")),
    "productVariantByIdentifier": (PRODUCTS, _by_identifier("ProductVariant")),
    "productVariantsCount": (PRODUCTS, counting("productVariantsCount", search.VARIANT)),
    "productOperation": (PRODUCTS, _operation),
    "inventoryItems": (STOCK, listing("inventoryItems", search.ITEM)),
    "inventoryItem": (STOCK, by_id("InventoryItem")),
    "inventoryLevel": (STOCK, _level),
    "inventoryProperties": (STOCK, _quantity_names),
    "orders": (ORDERS, listing("orders", search.ORDER, "PROCESSED_AT")),
    "order": (ORDERS, by_id("Order")),
    "orderByIdentifier": (ORDERS, _by_identifier("Order")),
    "ordersCount": (ORDERS, counting("ordersCount", search.ORDER)),
    "fulfillmentOrders": (TICKETS, _tickets),
    "fulfillmentOrder": (TICKETS, by_id("FulfillmentOrder")),
    "fulfillment": (ORDERS, by_id("Fulfillment")),
    "job": (None, lambda context, args: context.state.jobs.get(args["id"])),
    "node": (None, _node),
    "nodes": (None, _nodes),
}
for _name, (_scope, _read) in ROOTS.items():
    _root(_name, _scope, _read)
