"""Resolvers that read customers and their custom fields."""

from typing import Any

from bridge.sandbox.shopify import people, search
from bridge.sandbox.shopify.context import Context, resolves, snake
from bridge.sandbox.shopify.model import Customer, Metafield
from bridge.sandbox.shopify.read_root import by_id, counting, listing, need

Args = dict[str, Any]
SCOPE = "read_customers"


@resolves("QueryRoot.customers")
def _customers(_: None, context: Context, args: Args) -> Any:
    need(context, "customers", SCOPE)
    return listing("customers", search.CUSTOMER)(context, args)


@resolves("QueryRoot.customersCount")
def _count(_: None, context: Context, args: Args) -> Any:
    need(context, "customersCount", SCOPE)
    return counting("customersCount", search.CUSTOMER)(context, args)


@resolves("QueryRoot.customer")
def _one(_: None, context: Context, args: Args) -> Any:
    need(context, "customer", SCOPE)
    return by_id("Customer")(context, args)


@resolves("QueryRoot.customerByIdentifier")
def _by_identifier(_: None, context: Context, args: Args) -> Any:
    need(context, "customerByIdentifier", SCOPE)
    wanted = args["identifier"]
    if wanted.get("id"):
        return by_id("Customer")(context, wanted)
    return people.find(context.state, email=wanted.get("emailAddress") or "", phone=wanted.get("phoneNumber") or "")


def _personal(name: str) -> None:
    """Make a field empty for apps without access to protected customer data."""

    def read(row: Customer, context: Context, _: Args) -> Any:
        if context.state.settings.personal_data:
            return getattr(row, snake(name))
        return "" if name == "displayName" else None

    resolves(f"Customer.{name}")(read)


for _name in ("email", "phone", "firstName", "lastName", "displayName", "note"):
    _personal(_name)


@resolves("Customer.defaultEmailAddress")
def _email(row: Customer, context: Context, _: Args) -> Args | None:
    if not row.email or not context.state.settings.personal_data:
        return None
    return {"emailAddress": row.email, "marketing_state": row.marketing, "valid_format": True}


@resolves("Customer.defaultPhoneNumber")
def _phone(row: Customer, context: Context, _: Args) -> Args | None:
    return {"phoneNumber": row.phone} if row.phone and context.state.settings.personal_data else None


@resolves("Customer.numberOfOrders")
def _order_count(row: Customer, _: Context, __: Args) -> str:
    return str(row.orders)


@resolves("Customer.canDelete")
def _deletable(row: Customer, _: Context, __: Args) -> bool:
    return not row.orders


@resolves("Customer.verifiedEmail")
def _verified(*_: Any) -> bool:
    """Nobody registers by himself here: records made in the admin or by the API count as verified (2026-10 schema)."""
    return True


@resolves("Customer.state")
def _state(*_: Any) -> str:
    return "DISABLED"


@resolves("Customer.metafield")
def _metafield(row: Customer, _: Context, args: Args) -> Metafield | None:
    return row.metafields.get((people.namespace(args.get("namespace")), args["key"]))
