"""The verbs around customers, points and codes: a merchant in wp-admin, a shopper who registers, a plugin for points."""

from datetime import datetime
from typing import Any

from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.woocommerce import meta, values
from bridge.sandbox.woocommerce.catalogue import TRASH
from bridge.sandbox.woocommerce.coupon_write import fill
from bridge.sandbox.woocommerce.coupons import Coupon
from bridge.sandbox.woocommerce.customers import Customer
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.shop import Woo

Row = dict[str, Any]
POINTS = "loyalty_points"
# A verb's word, and the field of the form in wp-admin.
_TERMS = {
    "amount": "amount", "limit": "usage_limit", "per_customer": "usage_limit_per_user", "minimum": "minimum_amount",
    "emails": "email_restrictions", "status": "status", "description": "description", "free_shipping": "free_shipping",
    "products": "product_ids", "excluded": "excluded_product_ids",
}  # fmt: skip


class Loyal:
    """What `LoyalShop` adds to the verbs of a shop. WordPress keeps no consent of its own, so that word is not noted."""

    def __init__(self, woo: Woo) -> None:
        self.woo = woo

    def add_customer(self, **fields: Any) -> str:
        """Register an account: "name", "email", "phone", "points", "role". Raises RefusedError for a double."""
        try:
            made = self.woo.customers.add(str(fields.get("email") or ""), role=str(fields.get("role") or "customer"))
        except RestError as error:
            raise RefusedError(error.message) from error
        self._describe(made, fields)
        self.woo.customers.announce(made)
        return str(made.id)

    def edit_customer(self, customer: str, **fields: Any) -> None:
        """Change an account in wp-admin; "points" alone is a plugin's write, which moves no date and tells nobody."""
        found = self._customer(customer)
        email = str(fields.get("email") or found.email)
        if self.woo.customers.by_email(email) not in (None, found):
            raise RefusedError("another account has this e-mail address")
        found.email = email
        self._describe(found, fields)
        if set(fields) - {"points"}:
            self.woo.customers.save(found)

    def delete_customer(self, customer: str) -> None:
        """Delete an account; WordPress has no trash for users."""
        self.woo.customers.delete(self._customer(customer))

    def customers(self) -> list[Row]:
        """Return the accounts, staff included."""
        return [_account(row) for row in self.woo.customers.rows.values()]

    def add_coupon(self, code: str, **terms: Any) -> str:
        """Make a coupon in wp-admin: "percent" or "amount", "limit", "ends_at" and the fields of `_TERMS`. Return its id."""
        coupons = self.woo.coupons
        if coupons.by_code(code) is not None:
            raise RefusedError(f"coupon {code} exists already")
        made = coupons.new(code)
        self._fill(made, terms)
        coupons.store(made)
        return str(made.id)

    def edit_coupon(self, code: str, **terms: Any) -> None:
        """Change a coupon in wp-admin, which saves it as a post: its date moves."""
        found = self._coupon(code)
        self._fill(found, terms)
        self.woo.coupons.save(found, moved=True)

    def delete_coupon(self, code: str) -> None:
        """Move a coupon to the trash."""
        self.woo.coupons.trash(self._coupon(code))

    def coupons(self) -> dict[str, Row]:
        """Return the codes; of several coupons of one code the newest that is published, else the newest."""
        now, rows = self.woo.site.clock(), [row for row in self.woo.coupons.rows.values() if row.status != TRASH]
        rows.sort(key=lambda row: (row.status == "publish", row.id))
        return {row.code.upper(): _code(row, now) for row in rows}

    def _describe(self, customer: Customer, fields: Row) -> None:
        if "name" in fields:
            customer.first_name, _, customer.last_name = str(fields["name"]).partition(" ")
        if "phone" in fields:
            customer.billing["phone"] = str(fields["phone"])
        if "points" in fields:
            self.woo.customers.plugin_sets(customer, POINTS, str(fields["points"]))

    def _fill(self, coupon: Coupon, terms: Row) -> None:
        body = {_TERMS[name]: value for name, value in terms.items() if name in _TERMS}
        if "percent" in terms:
            body |= {"discount_type": "percent", "amount": str(terms["percent"])}
        if "limit" in terms:
            body["usage_limit"] = terms["limit"] or 0
        if "ends_at" in terms:
            body["date_expires"] = _moment(terms["ends_at"])
        if "stacks" in terms:
            body["individual_use"] = not terms["stacks"]
        try:
            fill(self.woo.coupons, coupon, body)
        except RestError as error:
            raise RefusedError(error.message) from error

    def _customer(self, key: str) -> Customer:
        found = self.woo.customers.rows.get(int(key))
        if found is None:
            raise RefusedError(f"there is no account {key}")
        return found

    def _coupon(self, code: str) -> Coupon:
        rows = [
            row for row in self.woo.coupons.rows.values() if row.status != TRASH and row.code.lower() == code.lower()
        ]
        if not rows:
            raise RefusedError(f"there is no coupon {code}")
        return max(rows, key=lambda row: (row.status == "publish", row.id))


def _moment(ends_at: datetime | str | None) -> int:
    when = datetime.fromisoformat(ends_at) if isinstance(ends_at, str) else ends_at
    return int(when.timestamp()) if when else 0


def _account(customer: Customer) -> Row:
    points = meta.get(customer.meta, POINTS)
    told = {"id": str(customer.id), "name": customer.name, "email": customer.email}
    return {
        **told,
        "phone": customer.billing.get("phone", ""),
        "points": None if points is None else values.php_int(points),
    }


def _code(coupon: Coupon, now: int) -> Row:
    works = coupon.status == "publish" and (coupon.expires is None or now <= coupon.expires)
    shown = {"id": str(coupon.id), "used": coupon.used, "limit": coupon.limit or None, "active": works}
    if coupon.kind == "percent":
        return {**shown, "percent": float(coupon.amount)}
    return {**shown, "amount": values.money(coupon.amount)}
