"""The verbs around customers and codes (kit's `LoyalShop` protocol), as the merchant does them in the admin."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar, cast

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.shopify import discounts, people
from bridge.sandbox.shopify.discount_model import BASIC, Discount, RedeemCode
from bridge.sandbox.shopify.errors import InvalidError
from bridge.sandbox.shopify.model import Customer
from bridge.sandbox.shopify.money import moment
from bridge.sandbox.shopify.state import State, split

V = TypeVar("V", bound=Callable[..., Any])
POINTS = ("bridge", "points")


def told(verb: V) -> V:
    """Have the webhooks of everything a verb did sent when it ends; what the shop refuses is a RefusedError."""

    @wraps(verb)
    def run(self: "LoyalVerbs", *args: Any, **how: Any) -> Any:
        try:
            return verb(self, *args, **how)
        except InvalidError as refusal:
            raise RefusedError(str(refusal)) from refusal
        finally:
            self.state.webhooks.publish()

    return cast("V", run)


class LoyalVerbs:
    """Verbs on one shop's state. A customer is named by its global id or its number, a code in any case."""

    def __init__(self, state: State) -> None:
        self.state = state

    @told
    def add_customer(self, **fields: Any) -> str:
        """Make a customer: "name", "email", "phone", "consent"."""
        return people.create(self.state, _customer_input(fields)).id

    @told
    def edit_customer(self, customer: str, **fields: Any) -> None:
        """Change a customer; "points" is the number in the field that the points are shown in, as any other app may write it."""
        row = self._customer(customer)
        people.update(self.state, row, _customer_input(fields))
        if "points" in fields:
            self._show_points(row, fields["points"])

    @told
    def delete_customer(self, customer: str) -> None:
        """Delete a customer who never bought."""
        people.delete(self.state, self._customer(customer))

    def customers(self) -> list[dict[str, Any]]:
        """Return the customers."""
        return [
            {
                "id": row.id,
                "name": row.display_name,
                "email": row.email or "",
                "phone": row.phone or "",
                "points": _points(row),
            }
            for row in self.state.customers.rows.values()
        ]

    @told
    def add_coupon(self, code: str, **terms: Any) -> str:
        """Make a code; beyond the kit's terms: "starts_at", "minimum", "skus", "customers" (ids), "once", "stacks", "free_shipping"."""
        given: dict[str, Any] = {
            "title": code,
            "code": code,
            "startsAt": _stamp(terms.get("starts_at")) or _stamp(self.state.now()),
        }
        given |= {"context": {"all": "ALL"}, **self._discount_input(terms)}
        form = "DiscountCodeFreeShipping" if terms.get("free_shipping") else BASIC
        return discounts.create(self.state, form, given).id

    @told
    def edit_coupon(self, code: str, **terms: Any) -> None:
        """Change a code; "active" switches it on and off."""
        discount, _ = self._code(code)
        discounts.update(self.state, discount.form, discount, self._discount_input(terms))
        if "active" in terms:
            (discounts.activate if terms["active"] else discounts.deactivate)(self.state, discount)

    @told
    def delete_coupon(self, code: str) -> None:
        """Delete a code; the last one of a discount takes the discount with it."""
        discount, redeem = self._code(code)
        if len(discount.codes) == 1:
            discounts.delete(self.state, discount)
        else:
            discounts.take_codes(self.state, discount, [redeem])

    def coupons(self) -> dict[str, dict[str, Any]]:
        """Return the codes, each with the terms of its discount."""
        self.state.settle()
        return {
            code.code.upper(): self._shown(discount, code)
            for discount in self.state.discounts.rows.values()
            for code in discount.codes.values()
        }

    def _shown(self, discount: Discount, code: RedeemCode) -> dict[str, Any]:
        single = len(discount.codes) == 1
        shown: dict[str, Any] = {
            "id": discount.id if single else code.id,
            "discount": discount.id,
            "used": discount.used(code),
            "limit": discount.usage_limit,
            "active": discount.status(self.state.now_of()) != "EXPIRED",
        }
        if discount.percentage is not None:
            shown["percent"] = float(discount.percentage * 100)
        if discount.amount is not None:
            shown["amount"] = f"{discount.amount:.2f}"
        return shown

    def _discount_input(self, terms: dict[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        if "percent" in terms:
            given["customerGets"] = {"value": {"percentage": float(terms["percent"]) / 100}}
        if "amount" in terms:
            given["customerGets"] = {"value": {"discountAmount": {"amount": terms["amount"]}}}
        if "skus" in terms:
            variants = [row.id for sku in terms["skus"] for row in self.state.by_sku(sku)]
            items = {"products": {"productVariantsToAdd": variants}}
            given.setdefault("customerGets", {})["items"] = items
        if "customers" in terms:
            given["context"] = {"customers": {"add": terms["customers"]}}
        names = {"limit": "usageLimit", "once": "appliesOncePerCustomer"}
        given |= {names[name]: terms[name] for name in names if name in terms}
        given |= {f"{name}sAt": _stamp(terms[f"{name}s_at"]) for name in ("start", "end") if terms.get(f"{name}s_at")}
        if "minimum" in terms:
            given["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": terms["minimum"]}}
        if "stacks" in terms:
            given["combinesWith"] = dict.fromkeys(discounts.COMBINES, terms["stacks"])
        return given

    def _show_points(self, row: Customer, points: int | None) -> None:
        if points is None:
            row.metafields.pop(POINTS, None)
            self.state.customers.touch(row)
            return
        namespace, key = POINTS
        field = {"ownerId": row.id, "namespace": namespace, "key": key, "type": "number_integer", "value": str(points)}
        people.set_fields(self.state, [field])

    def _customer(self, customer: str) -> Customer:
        number = int(customer) if customer.isdigit() else split(customer)[1]
        found = self.state.customers.get(number)
        if found is None:
            raise RefusedError(f"no customer {customer}")
        return found

    def _code(self, code: str) -> tuple[Discount, RedeemCode]:
        self.state.settle()
        found = discounts.find(self.state, code)
        if found is None:
            raise RefusedError(f"no code {code}")
        return found


def _customer_input(fields: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {name: fields[name] for name in ("email", "phone") if name in fields}
    if "name" in fields:
        first, _, last = (fields["name"] or "").partition(" ")
        given |= {"firstName": first or None, "lastName": last or None}
    if fields.get("consent") is not None:
        given["emailMarketingConsent"] = {"marketingState": "SUBSCRIBED" if fields["consent"] else "UNSUBSCRIBED"}
    return given


def _points(row: Customer) -> int | None:
    field = row.metafields.get(POINTS)
    return int(field.value) if field else None


def _stamp(at: datetime | str | None) -> str | None:
    """Write a time as the API takes it; a text is one already."""
    if at is None or isinstance(at, str):
        return moment(at).isoformat() if at else None
    return at.isoformat()
