"""Resolvers that read code discounts, their codes, and what they took off orders."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from bridge.sandbox.shopify import discounts, paging, search
from bridge.sandbox.shopify import query as syntax
from bridge.sandbox.shopify.context import Context, resolves
from bridge.sandbox.shopify.discount_model import BASIC, SHIPPING, Discount, Import, RedeemCode
from bridge.sandbox.shopify.errors import user_error
from bridge.sandbox.shopify.model import Application, Customer, Order, Product, Variant
from bridge.sandbox.shopify.money import money
from bridge.sandbox.shopify.read_root import by_id, counting, listing, need
from bridge.sandbox.shopify.read_stock import exactly

Args = dict[str, Any]
SCOPE = "read_discounts"


@dataclass(frozen=True, slots=True)
class Terms:
    """A discount as the object inside its node: `DiscountCodeBasic` or `DiscountCodeFreeShipping`."""

    row: Discount

    @property
    def kind(self) -> str:
        return self.row.form


@dataclass(frozen=True, slots=True)
class Shown:
    """A redeem code with the discount whose uses it is counted among."""

    row: RedeemCode
    discount: Discount

    @property
    def id(self) -> str:
        return self.row.id


def _root(name: str, read: Callable[[Context, Args], Any]) -> None:
    @resolves(f"QueryRoot.{name}")
    def guarded(_: None, context: Context, args: Args) -> Any:
        need(context, name, SCOPE)
        return read(context, args)


_root("discountNodes", listing("discountNodes", search.DISCOUNT))
_root("codeDiscountNodes", listing("codeDiscountNodes", search.DISCOUNT))
_root("discountNodesCount", counting("discountNodesCount", search.DISCOUNT))
_root("discountNode", by_id("DiscountCodeNode"))
_root("codeDiscountNode", by_id("DiscountCodeNode"))
_root("discountRedeemCodeBulkCreation", lambda context, args: context.state.imports.get(args["id"]))


@resolves("QueryRoot.codeDiscountNodeByCode")
def _by_code(_: None, context: Context, args: Args) -> Discount | None:
    need(context, "codeDiscountNodeByCode", SCOPE)
    found = discounts.find(context.state, args["code"])
    return found[0] if found else None


@resolves("DiscountNode.discount", "DiscountCodeNode.codeDiscount")
def _inner(row: Discount, _: Context, __: Args) -> Terms:
    return Terms(row)


def _both(*names: str) -> Callable[[Callable[[Discount, Context, Args], Any]], None]:
    """Register a reader for a field that both kinds of discount have."""

    def keep(read: Callable[[Discount, Context, Args], Any]) -> None:
        for kind in (BASIC, SHIPPING):
            for name in names:
                resolves(f"{kind}.{name}")(lambda terms, context, args, read=read: read(terms.row, context, args))

    return keep


PLAIN = {
    "title": "title", "startsAt": "starts_at", "endsAt": "ends_at", "createdAt": "created_at", "updatedAt": "updated_at",
    "usageLimit": "usage_limit", "appliesOncePerCustomer": "once", "tags": "tags", "recurringCycleLimit": "recurring",
}  # fmt: skip
for _name, _attribute in PLAIN.items():
    _both(_name)(lambda row, _, __, attribute=_attribute: getattr(row, attribute))  # type: ignore[misc]


@_both("status")
def _status(row: Discount, context: Context, _: Args) -> str:
    return row.status(context.state.now_of())


@_both("asyncUsageCount")
def _used(row: Discount, context: Context, _: Args) -> int:
    return row.used(until=_known(context))


def _known(context: Context) -> Any:
    """Return the moment up to which uses were counted: "updated asynchronously" (2026-10 schema)."""
    return context.state.now_of() - timedelta(seconds=context.state.settings.usage_lag)


@_both("codes")
def _codes(row: Discount, _: Context, args: Args) -> Args:
    wanted = list(syntax.required(syntax.parse(args.get("query"))))
    codes = [code for code in row.codes.values() if _has(code, wanted)] if wanted else row.codes.values()
    down = bool(args.get("reverse"))
    some = sorted(codes, key=attrgetter("number"), reverse=down)
    if args.get("after") and not down:
        # A campaign's discount holds a hundred thousand codes, and is read page by page.
        some = some[bisect_left(some, paging.decode(args["after"])[1], key=attrgetter("number")) :]
    return paging.page((Shown(code, row) for code in some), args, lambda one: (one.row.number, one.row.number))


def _has(code: RedeemCode, wanted: Sequence[syntax.Term]) -> bool:
    return all(term.field != "" or syntax.text_matches(code.code, term) for term in wanted)


@_both("codesCount")
def _codes_count(row: Discount, _: Context, __: Args) -> Args:
    return exactly(len(row.codes))


@_both("combinesWith")
def _combines(row: Discount, _: Context, __: Args) -> Args:
    return {name: row.combines.get(name, False) for name in discounts.COMBINES}


@_both("discountClasses")
def _classes(row: Discount, _: Context, __: Args) -> list[str]:
    return [row.discount_class]


@_both("context")
def _context(row: Discount, context: Context, _: Args) -> Args:
    if row.customers is None:
        return {"__typename": "DiscountBuyerSelectionAll", "all": "ALL"}
    people = discounts.records(context.state, row.customers, Customer)
    return {"__typename": "DiscountCustomers", "customers": people}


@_both("minimumRequirement")
def _minimum(row: Discount, context: Context, _: Args) -> Args | None:
    if row.minimum_subtotal is not None:
        least = money(row.minimum_subtotal, context.state.settings.currency)
        return {"__typename": "DiscountMinimumSubtotal", "greaterThanOrEqualToSubtotal": least}
    if row.minimum_quantity is not None:
        return {"__typename": "DiscountMinimumQuantity", "greaterThanOrEqualToQuantity": row.minimum_quantity}
    return None


@_both("appliesOnOneTimePurchase")
def _one_time(*_: Any) -> bool:
    return True


@_both("appliesOnSubscription")
def _subscription(*_: Any) -> bool:
    return False


@resolves("DiscountCodeFreeShipping.destinationSelection")
def _destination(*_: Any) -> Args:
    return {"__typename": "DiscountCountryAll", "all_countries": True}


@resolves("DiscountCodeFreeShipping.maximumShippingPrice")
def _most(terms: Terms, context: Context, _: Args) -> Args | None:
    most = terms.row.maximum_shipping
    return None if most is None else money(most, context.state.settings.currency)


@resolves("DiscountCodeBasic.customerGets")
def _gets(terms: Terms, context: Context, _: Args) -> Args:
    row = terms.row
    return {
        "applies_on_one_time_purchase": True, "applies_on_subscription": False,
        "value": _value(row, context), "items": _items(row),
    }  # fmt: skip


def _value(row: Discount, context: Context) -> Args:
    if row.percentage is not None:
        return {"__typename": "DiscountPercentage", "percentage": float(row.percentage)}
    amount = money(row.amount or Decimal(0), context.state.settings.currency)
    return {"__typename": "DiscountAmount", "amount": amount, "applies_on_each_item": row.each}


def _items(row: Discount) -> Args:
    if not row.limited:
        return {"__typename": "AllDiscountItems", "all_items": True}
    return {"__typename": "DiscountProducts", "row": row}


@resolves("DiscountProducts.products")
def _products(items: Args, context: Context, args: Args) -> Args:
    return paging.of_list(discounts.records(context.state, items["row"].products, Product), args)


@resolves("DiscountProducts.productVariants")
def _variants(items: Args, context: Context, args: Args) -> Args:
    return paging.of_list(discounts.records(context.state, items["row"].variants, Variant), args)


@resolves("DiscountRedeemCode.code")
def _code(shown: Shown, _: Context, __: Args) -> str:
    return shown.row.code


@resolves("DiscountRedeemCode.asyncUsageCount")
def _code_used(shown: Shown, context: Context, _: Args) -> int:
    return shown.discount.used(shown.row, until=_known(context))


def _import(name: str, read: Callable[[Import | None, list[str]], Any]) -> None:
    """Register a reader of a bulk creation; the mutation's own answer knows of no outcome yet."""

    @resolves(f"DiscountRedeemCodeBulkCreation.{name}")
    def resolve(row: Any, _: Context, args: Args) -> Any:
        made, codes = (row, row.codes) if isinstance(row, Import) else (None, row["codes_wanted"])
        found = read(made, codes)
        return paging.of_list(found, args) if name == "codes" else found


def _outcomes(made: Import | None, codes: list[str]) -> list[Args]:
    done = made.outcomes if made and made.outcomes else [(None, "")] * len(codes)
    return [
        {
            "code": code,
            "discount_redeem_code": Shown(kept, made.discount) if kept and made else None,
            "errors": [{**user_error(["code"], fault), "extra_info": None}] if fault else [],
        }
        for code, (kept, fault) in zip(codes, done, strict=True)
    ]


_import("codes", _outcomes)
_import("codesCount", lambda _, codes: len(codes))
_import("done", lambda made, _: bool(made and made.outcomes))
_import("importedCount", lambda made, _: sum(code is not None for code, _ in made.outcomes) if made else 0)
_import("failedCount", lambda made, _: sum(code is None for code, _ in made.outcomes) if made else 0)


@resolves("DiscountRedeemCodeBulkCreation.discountCode")
def _of_discount(row: Any, _: Context, __: Args) -> Discount:
    found: Discount = row.discount if isinstance(row, Import) else row["discount_code"]
    return found


@resolves("ShippingLine.discountAllocations")
def _shipping_allocations(*_: Any) -> list[Any]:
    """A code for free shipping leaves no shipping line here, so there is nothing it could be taken off."""
    return []


@resolves("Order.discountApplications")
def _applications(order: Order, _: Context, args: Args) -> dict[str, Any]:
    return paging.of_list(order.applications, args)


def _register_application() -> None:
    read: dict[str, Callable[[Application, Context], Any]] = {
        "allocationMethod": lambda made, _: "EACH" if made.percent else "ACROSS",
        "targetSelection": lambda made, _: "ENTITLED" if made.entitled else "ALL",
        "targetType": lambda made, _: made.target,
        "value": _application_value,
    }
    for kind in ("DiscountCodeApplication", "ManualDiscountApplication"):
        for name, value in read.items():
            resolves(f"{kind}.{name}")(lambda made, context, _, value=value: value(made, context))


def _application_value(made: Application, context: Context) -> dict[str, Any]:
    if made.percent:
        return {"__typename": "PricingPercentageValue", "percentage": float(made.percent)}
    return {"__typename": "MoneyV2", **money(made.amount, context.state.settings.currency)}


_register_application()


@resolves("ManualDiscountApplication.description")
def _no_description(*_: Any) -> None:
    return None
