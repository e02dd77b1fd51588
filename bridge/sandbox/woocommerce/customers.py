"""Accounts: WordPress users as WooCommerce sees them, guests are none. No HTTP."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.sandbox.woocommerce import meta
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.meta import Meta
from bridge.sandbox.woocommerce.site import Site

ROLES = ("administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager")
_FIRST = 2  # 1 is the person who set the shop up


@dataclass(slots=True, kw_only=True)
class Customer:
    """An account. `modified` is None until the first save by WooCommerce (recorded, customers 189)."""

    id: int
    email: str
    username: str
    role: str = "customer"
    first_name: str = ""
    last_name: str = ""
    created: int = 0
    modified: int | None = None
    billing: dict[str, str] = field(default_factory=dict)
    shipping: dict[str, str] = field(default_factory=dict)
    paying: bool = False
    meta: list[Meta] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the display name, which lists are sorted by."""
        return f"{self.first_name} {self.last_name}".strip() or self.username


@dataclass(slots=True)
class Customers:
    """All accounts of the shop by id. Ids of users are a space of their own."""

    site: Site
    rows: dict[int, Customer] = field(default_factory=dict)
    last: int = _FIRST - 1

    def add(self, email: str, *, username: str = "", role: str = "customer") -> Customer:
        """Register an account; raise for an address that is none, or that another account has in whatever case."""
        self.check_email(email)
        if self.by_email(email):
            text = f"An account is already registered with {email}. Please log in or use a different email address."
            raise RestError("registration-error-email-exists", text, 400)
        self.last += 1
        made = Customer(id=self.last, email=email, username=username or self._username(email), role=role)
        made.created = made.modified = self.site.clock()
        self.rows[made.id] = made
        return made

    def check_email(self, email: str) -> None:
        """Raise for what is no e-mail address."""
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            raise RestError("customer_invalid_email", "Invalid email address", 400)

    def _username(self, email: str) -> str:
        name = email.partition("@")[0].lower()
        taken = {row.username for row in self.rows.values()}
        return name if name not in taken else f"{name}-{self.last + 1}"

    def announce(self, customer: Customer) -> None:
        """Tell of a new account: it is saved again at once, and says so (recorded, deliveries 037)."""
        self.site.emit("customer.created", customer.id)
        self.site.emit("customer.updated", customer.id)

    def save(self, customer: Customer) -> None:
        """Save a change: date it and tell of it."""
        customer.modified = self.site.clock()
        self.site.emit("customer.updated", customer.id)

    def delete(self, customer: Customer) -> None:
        """Delete for ever; this one is announced (recorded, deliveries 041)."""
        del self.rows[customer.id]
        self.site.emit("customer.deleted", customer.id)

    def by_email(self, email: str) -> Customer | None:
        """Return the account of an address."""
        return next((row for row in self.rows.values() if row.email.lower() == email.lower()), None)

    def paid(self, key: int) -> None:
        """Remember that this customer has paid for something: wc_paying_customer saves an account once."""
        customer = self.rows.get(key)
        if customer is not None and not customer.paying:
            customer.paying = True
            self.save(customer)

    def plugin_sets(self, customer: Customer, key: str, value: str) -> None:
        """Let another plugin write user meta directly: no date, no webhook (observed)."""
        meta.put(customer.meta, key, value, self.site.next_meta)

    def of_role(self, role: str) -> Iterator[Customer]:
        """Yield the accounts of a role, or of all."""
        return (row for row in self.rows.values() if role in ("all", row.role))
