"""Rules of customer records: who may be made, changed and deleted, and the custom fields on them.

Words of the refusals: recordings customer-create-parity, customer-email-normalization, customer-delete-blocked-by-orders,
customer-update-parity (2025-01); metafieldsSet-value-type-fidelity (2025-01).
"""

import re
from typing import Any

from bridge.sandbox.shopify.errors import InvalidError, UserErrors, user_error
from bridge.sandbox.shopify.model import Customer, Metafield
from bridge.sandbox.shopify.state import State

Args = dict[str, Any]
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MAX_FIELDS = 25
APP_NAMESPACE = "app--1"
STALE = "The resource has been updated since it was loaded. Try again with an updated `compareDigest` value."


def create(state: State, given: Args) -> Customer:
    """Make a customer."""
    if not any(given.get(name) for name in ("email", "phone", "firstName", "lastName")):
        raise InvalidError([user_error(None, "A name, phone number, or email address must be present")])
    _check(state, given, None)
    made = state.customers.add(Customer(**state.stamps("Customer")))
    _write(state, made, given)
    return made


def update(state: State, row: Customer, given: Args) -> None:
    """Change what was given."""
    _check(state, given, row)
    _write(state, row, given)
    state.customers.touch(row)


def delete(state: State, row: Customer) -> None:
    """Delete a customer who never bought."""
    if row.orders:
        raise InvalidError([user_error(["id"], "Customer can’t be deleted because they have associated orders")])
    _forget(state, row)
    state.customers.remove(row)


def find(state: State, *, email: str = "", phone: str = "") -> Customer | None:
    """Find the one customer with this address or number."""
    return state.customers_by_email.get(email.strip().casefold()) if email else state.customers_by_phone.get(phone)


def contact(state: State, row: Customer, *, email: str | None, phone: str | None) -> None:
    """Give a customer this address and number, and let them be found by them."""
    _forget(state, row)
    row.email, row.phone = email, phone
    if row.email:
        state.customers_by_email[row.email] = row
    if row.phone:
        state.customers_by_phone[row.phone] = row


def _forget(state: State, row: Customer) -> None:
    if row.email:
        state.customers_by_email.pop(row.email, None)
    if row.phone:
        state.customers_by_phone.pop(row.phone, None)


def _check(state: State, given: Args, row: Customer | None) -> None:
    email, phone = _email(given.get("email")), given.get("phone")
    errors: UserErrors = []
    if email:
        if len(email) > 255:
            errors.append(user_error(["email"], "Email is too long (maximum is 255 characters)"))
        if not EMAIL.fullmatch(email):
            errors.append(user_error(["email"], "Email is invalid"))
        elif find(state, email=email) not in (None, row):
            errors.append(user_error(["email"], "Email has already been taken"))
    if phone and not re.fullmatch(r"\+[0-9]{6,15}", phone):
        errors.append(user_error(["phone"], "Phone is invalid"))
    elif phone and find(state, phone=phone) not in (None, row):
        errors.append(user_error(["phone"], "Phone has already been taken"))
    if errors:
        raise InvalidError(errors)


def _write(state: State, row: Customer, given: Args) -> None:
    email = _email(given["email"]) if "email" in given else row.email
    contact(state, row, email=email, phone=given.get("phone", row.phone) or None)
    row.first_name = given.get("firstName", row.first_name)
    row.last_name = given.get("lastName", row.last_name)
    row.note = given.get("note", row.note)
    row.tags = given.get("tags", row.tags) or []
    if given.get("emailMarketingConsent"):
        row.marketing = given["emailMarketingConsent"]["marketingState"]


def _email(given: str | None) -> str | None:
    """Read an address as Shopify keeps it: lower case, without blanks (recorded: createSanitized)."""
    return re.sub(r"\s", "", given).casefold() or None if given else None


def namespace(given: str | None) -> str:
    """Return the real namespace: an app's own begins with `$app` in requests, and is the default."""
    name = given if given is not None else "$app"
    return APP_NAMESPACE + name.removeprefix("$app").replace(":", "--", 1) if name.startswith("$app") else name


def set_fields(state: State, rows: list[Args]) -> list[Metafield]:
    """Write custom fields, all of them or none."""
    if len(rows) > MAX_FIELDS:
        text = f"Exceeded the maximum metafields input limit of {MAX_FIELDS}."
        raise InvalidError([user_error(["metafields"], text, "LESS_THAN_OR_EQUAL_TO")])
    errors = [error for index, row in enumerate(rows) if (error := _field_fault(state, index, row))]
    if errors:
        raise InvalidError(errors)
    return [_set_field(state, row) for row in rows]


def _field_fault(state: State, index: int, row: Args) -> Args | None:
    owner = state.find(row["ownerId"])
    at = ["metafields", str(index)]
    if not isinstance(owner, Customer):
        return user_error([*at, "ownerId"], "Owner does not exist.", "INVALID")
    there = owner.metafields.get((namespace(row.get("namespace")), row["key"]))
    if not row.get("type") and there is None:
        return user_error([*at, "type"], "Type can't be blank", "BLANK")
    kind = row.get("type") or (there.type if there else "")
    if kind == "number_integer" and not re.fullmatch(r"-?[0-9]{1,16}", row["value"]):
        return user_error([*at, "value"], "Value must be an integer.", "INVALID_VALUE")
    # Left out: no check. Null: it must not be there yet (2026-10 schema, metafieldsSet).
    if "compareDigest" in row and row["compareDigest"] != (there.compare_digest if there else None):
        return {**user_error(at, STALE, "STALE_OBJECT"), "element_index": None}
    return None


def _set_field(state: State, row: Args) -> Metafield:
    owner: Customer = state.find(row["ownerId"])
    place = (namespace(row.get("namespace")), row["key"])
    field = owner.metafields.get(place)
    if field is None:
        field = Metafield(**state.stamps("Metafield"), namespace=place[0], key=place[1])
        owner.metafields[place] = field
    field.type, field.value, field.updated_at = row.get("type") or field.type, row["value"], state.now()
    state.customers.touch(owner)
    return field
