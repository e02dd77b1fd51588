"""Rules of code discounts: what may be written, how a code is found, and what taking one away does.

Words of the refusals: recordings discount-validation-branches, discount-code-required-blank-validation, discount-title-validation,
discount-value-bounds, discount-numeric-bounds, discount-update-edge-cases, discount-update-reference-validation,
discount-combines-with-validation, discount-redeem-code-bulk-add-validation (2026-04).
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify.discount_model import BASIC, SHIPPING, Discount, Import, RedeemCode
from bridge.sandbox.shopify.errors import InvalidError, UserErrors, user_error
from bridge.sandbox.shopify.model import Customer, Product, Record, Variant
from bridge.sandbox.shopify.money import decimal, moment
from bridge.sandbox.shopify.state import State, split

Args = dict[str, Any]
COMBINES = ("orderDiscounts", "productDiscounts", "shippingDiscounts")
TAKEN = "must be unique. Please try a different code."
ROOTS = {BASIC: "basicCodeDiscount", SHIPPING: "freeShippingCodeDiscount"}


def find(state: State, code: str) -> tuple[Discount, RedeemCode] | None:
    """Find a code, whatever its case (codeDiscountNodeByCode: "case-insensitive")."""
    discount = state.codes.get(code.strip().casefold())
    return (discount, discount.codes[code.strip().casefold()]) if discount else None


def create(state: State, form: str, given: Args) -> Discount:
    """Make a discount with its one code; raises InvalidError before anything is made."""
    root, code = ROOTS[form], given.get("code")
    errors = [*_code_faults(state, root, code), *_faults(state, root, form, given, None)]
    if errors:
        raise InvalidError(errors)
    discount = Discount(**state.stamps("DiscountCodeNode"), form=form, starts_at=moment(given["startsAt"]))
    _write(discount, given)
    add_code(state, discount, str(code))
    return state.discounts.add(discount)


def update(state: State, form: str, discount: Discount, given: Args) -> None:
    """Change what was given; the other form of mutation makes it the other kind of discount (recorded: bxgyToBasic)."""
    root, code = ROOTS[form], given.get("code")
    errors: UserErrors = []
    if code is not None and code.casefold() not in discount.codes:
        if len(discount.codes) != 1:
            raise InvalidError([user_error(["id"], "Cannot update the code of a bulk discount.")])
        errors = _code_faults(state, root, code)
    errors += _faults(state, root, form, given, discount)
    if errors:
        raise InvalidError(errors)
    discount.form = form
    _write(discount, given)
    if code is not None and code.casefold() not in discount.codes:
        _rename(state, discount, code)
    state.discounts.touch(discount)


def add_code(state: State, discount: Discount, code: str) -> RedeemCode:
    """Put a code on a discount."""
    made = RedeemCode(state.number("DiscountRedeemCode"), code)
    discount.codes[code.casefold()] = made
    state.codes[code.casefold()] = discount
    return made


def take_codes(state: State, discount: Discount, codes: Iterable[RedeemCode]) -> None:
    """Take codes off a discount."""
    for code in codes:
        discount.codes.pop(code.code.casefold(), None)
        state.codes.pop(code.code.casefold(), None)
    state.discounts.touch(discount)


def delete(state: State, discount: Discount) -> None:
    """Delete a discount with all its codes."""
    for key in discount.codes:
        state.codes.pop(key, None)
    state.discounts.remove(discount)


def activate(state: State, discount: Discount) -> None:
    """Let it begin, and never end (recorded: discount-activate-deactivate-edge-cases; no-op where it is active)."""
    now = state.now()
    if discount.status(now) != "ACTIVE":
        discount.starts_at, discount.ends_at = min(discount.starts_at, now), None
        state.discounts.touch(discount)


def deactivate(state: State, discount: Discount) -> None:
    """Let it end now; one that had not begun begins and ends now (same recording)."""
    now = state.now()
    if discount.status(now) != "EXPIRED":
        discount.starts_at, discount.ends_at = min(discount.starts_at, now), now
        state.discounts.touch(discount)


def carry_out(state: State, made: Import) -> None:
    """Add the codes of a bulk creation; each stands for itself (recorded: invalidCodes, existingCodeConflicts)."""
    for code in made.codes:
        fault = _bulk_fault(state, code)
        made.outcomes.append((None if fault else add_code(state, made.discount, code), fault))
    if any(code for code, _ in made.outcomes):
        state.discounts.touch(made.discount)


def _bulk_fault(state: State, code: str) -> str:
    if not code:
        return "is too short (minimum is 1 character)"
    if "\n" in code or "\r" in code:
        return "cannot contain newline characters."
    if len(code) > 255:
        return "is too long (maximum is 255 characters)"
    return TAKEN if find(state, code) else ""


def _rename(state: State, discount: Discount, code: str) -> None:
    (key, redeem), *_ = discount.codes.items()
    state.codes.pop(key)
    redeem.code = code
    discount.codes = {code.casefold(): redeem}
    state.codes[code.casefold()] = discount


def _code_faults(state: State, root: str, code: str | None) -> UserErrors:
    field = [root, "code"]
    if code is None:
        return [user_error(field, "Code can't be blank", "BLANK")]
    if not code:
        return [user_error(field, "Code is too short (minimum is 1 character)", "TOO_SHORT")]
    if "\n" in code or "\r" in code:
        return [user_error(field, "Code cannot contain newline characters.", "INVALID")]
    if len(code) > 255:
        return [user_error(field, "Code is too long (maximum is 255 characters)", "TOO_LONG")]
    return [user_error(field, f"Code {TAKEN}", "TAKEN")] if find(state, code) else []


def _faults(state: State, root: str, form: str, given: Args, discount: Discount | None) -> UserErrors:
    return [
        *_text_faults(root, given, discount),
        *_time_faults(root, given, discount),
        *_number_faults(root, given),
        *_item_faults(state, root, given),
        *_people_faults(state, root, given),
        *_combine_faults(root, form, given),
    ]


def _text_faults(root: str, given: Args, discount: Discount | None) -> UserErrors:
    title = given.get("title", discount.title if discount else None)
    if not title:
        return [user_error([root, "title"], "Title can't be blank", "BLANK")]
    if len(title) > 255:
        return [user_error([root, "title"], "Title is too long (maximum is 255 characters)", "TOO_LONG")]
    return []


def _time_faults(root: str, given: Args, discount: Discount | None) -> UserErrors:
    if not given.get("startsAt") and discount is None:
        return [user_error([root, "startsAt"], "Starts at can't be blank", "BLANK")]
    begins = moment(given["startsAt"]) if given.get("startsAt") else discount.starts_at if discount else None
    ends = moment(given["endsAt"]) if given.get("endsAt") else None
    if ends is not None and begins is not None and ends <= begins:
        return [user_error([root, "endsAt"], "Ends at needs to be after starts_at", "INVALID")]
    return []


def _number_faults(root: str, given: Args) -> UserErrors:
    limit, value = given.get("usageLimit"), (given.get("customerGets") or {}).get("value") or {}
    found = []
    if limit is not None and limit <= 0:
        found.append(user_error([root, "usageLimit"], "Usage limit must be greater than 0", "GREATER_THAN"))
    share, sum_given = value.get("percentage"), (value.get("discountAmount") or {}).get("amount")
    at = [root, "customerGets", "value"]
    if share is not None and not 0 <= share <= 1:
        found.append(user_error([*at, "percentage"], "Value must be between 0.0 and 1.0", "VALUE_OUTSIDE_RANGE"))
    if sum_given is not None and decimal(sum_given) < 0:
        text = "Value must be less than or equal to 0"
        found.append(user_error([*at, "discountAmount", "amount"], text, "LESS_THAN_OR_EQUAL_TO"))
    return found


def _item_faults(state: State, root: str, given: Args) -> UserErrors:
    products = _items(given).get("products") or {}
    at = [root, "customerGets", "items", "products"]
    kinds = (("productsToAdd", Product, "Product"), ("productVariantsToAdd", Variant, "Product variant"))
    return [
        user_error([*at, name], f"{word} with id: {split(one)[1]} is invalid", "INVALID")
        for name, kind, word in kinds
        for one in products.get(name) or ()
        if not isinstance(state.find(one), kind)
    ]


def _people_faults(state: State, root: str, given: Args) -> UserErrors:
    added = ((given.get("context") or {}).get("customers") or {}).get("add") or ()
    return [
        user_error([root, "context", "customers", "add"], f"Customer with id: {split(one)[1]} is invalid", "INVALID")
        for one in added
        if not isinstance(state.find(one), Customer)
    ]


def _combine_faults(root: str, form: str, given: Args) -> UserErrors:
    combines = given.get("combinesWith") or {}
    if form == SHIPPING and combines.get("shippingDiscounts"):
        text = "The combinesWith settings are not valid for the discount class."
        return [user_error([root, "combinesWith"], text, "INVALID_COMBINES_WITH_FOR_DISCOUNT_CLASS")]
    return []


def _items(given: Args) -> Args:
    return (given.get("customerGets") or {}).get("items") or {}


def _write(discount: Discount, given: Args) -> None:
    """Write the fields that were given, an explicit null clearing what can be empty."""
    discount.title = given.get("title", discount.title)
    discount.starts_at = moment(given["startsAt"]) if given.get("startsAt") else discount.starts_at
    if "endsAt" in given:
        discount.ends_at = _time(given["endsAt"])
    discount.usage_limit = given.get("usageLimit", discount.usage_limit)
    discount.once = bool(given.get("appliesOncePerCustomer", discount.once))
    discount.recurring = given.get("recurringCycleLimit", discount.recurring)
    discount.tags = given.get("tags", discount.tags) or []
    if given.get("combinesWith") is not None:
        discount.combines = {name: bool(given["combinesWith"].get(name)) for name in COMBINES}
    if "maximumShippingPrice" in given:
        discount.maximum_shipping = _amount(given["maximumShippingPrice"])
    _write_value(discount, (given.get("customerGets") or {}).get("value") or {})
    _write_items(discount, _items(given))
    _write_people(discount, given.get("context") or {})
    if "minimumRequirement" in given:
        _write_minimum(discount, given["minimumRequirement"] or {})


def _write_value(discount: Discount, value: Args) -> None:
    if value.get("percentage") is not None:
        discount.percentage, discount.amount = Decimal(str(value["percentage"])), None
    elif value.get("discountAmount"):
        amount = value["discountAmount"]
        discount.percentage, discount.amount = None, decimal(amount["amount"])
        discount.each = bool(amount.get("appliesOnEachItem"))


def _write_items(discount: Discount, items: Args) -> None:
    if items.get("all"):
        discount.products, discount.variants = [], []
        return
    products = items.get("products") or {}
    discount.products = _changed(discount.products, products, "productsToAdd", "productsToRemove")
    discount.variants = _changed(discount.variants, products, "productVariantsToAdd", "productVariantsToRemove")


def _write_people(discount: Discount, context: Args) -> None:
    if context.get("all"):
        discount.customers = None
    elif context.get("customers"):
        discount.customers = _changed(discount.customers or [], context["customers"], "add", "remove")


def _write_minimum(discount: Discount, given: Args) -> None:
    subtotal, quantity = given.get("subtotal") or {}, given.get("quantity") or {}
    discount.minimum_subtotal = _amount(subtotal.get("greaterThanOrEqualToSubtotal"))
    count = quantity.get("greaterThanOrEqualToQuantity")
    discount.minimum_quantity = int(count) if count else None


def _changed(numbers: list[int], given: Args, added: str, removed: str) -> list[int]:
    gone = {split(one)[1] for one in given.get(removed) or ()}
    return list(
        dict.fromkeys([*(n for n in numbers if n not in gone), *(split(one)[1] for one in given.get(added) or ())])
    )


def _time(text: str | None) -> datetime | None:
    return moment(text) if text else None


def _amount(text: Any) -> Decimal | None:
    return decimal(text) if text is not None else None


def records(state: State, numbers: Iterable[int], kind: type[Record]) -> list[Any]:
    """Return the records behind the numbers of a discount; deleted ones are left out."""
    table: Any = {Product: state.products, Variant: state.variants, Customer: state.customers}[kind]
    return [row for number in numbers if (row := table.get(number)) is not None]
