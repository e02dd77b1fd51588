"""Persons with points, and codes, for the tests of the API and of the page: made by the units of work that the commands use."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bridge.app import loyal_acting as acting
from bridge.app.loyal_results import BalanceLine
from bridge.app.wiring import channel_of
from bridge.app.working import context_of
from bridge.domain.coupons import CouponTerms, uses
from bridge.domain.earning import PointsRules, Tier
from bridge.domain.money import Money
from bridge.domain.points import points
from bridge.engine.context import Context, Loyalty
from bridge.engine.loyalty import apply_loyalty, held_points
from bridge.store import ledger, people
from bridge.store.people import ContactRow, CustomerRow
from tests.webserver.household import House

__all__ = ["ADA", "CODE", "LOYALTY", "TERMS", "at_work", "balance", "code", "free", "left", "member"]


def at_work(house: House) -> Context:
    """Have a house's daemon be at work with its channels (`shop` has codes of its own, `till` has none) and a programme of points."""
    app = house.app
    built = {name: channel_of(app.loaded, name, app.surroundings)[0] for name in ("shop", "till")}  # type: ignore[arg-type]
    context = context_of(app, built)
    context.rules = replace(context.rules, loyalty=LOYALTY)
    app.live = context
    return context


# A cent a point, spendable at once.
RULES = PointsRules(
    currency="USD", pending_days=0.0, tiers=(Tier(name="bronze", spend=0), Tier(name="gold", spend=50_000, times="2"))
)
LOYALTY = Loyalty(points=RULES, country="DE", lasts=timedelta(hours=2))
TERMS = CouponTerms(kind="fixed", amount=Money(500, "USD"))
ADA, CODE = "cust_ada", "AUTUMN-0F1R"


def member(
    context: Context,
    units: int,
    person: str = ADA,
    *,
    mail: str = "ada@example.com",
    phone: str = "+4930901820",
    accounts: Sequence[tuple[str, str]] = (("woocommerce", "17"),),
) -> None:
    """Note a person with an e-mail, a phone, accounts, and points that were given by hand."""
    now = context.now()
    rows = [("email", mail), ("phone", phone)]

    def unit(connection: Any) -> None:
        apply_loyalty(connection, context)
        people.add_persons(connection, [person], now)
        contacts = [
            ContactRow(kind=kind, value=value, person=person, verified=kind == "email") for kind, value in rows if value
        ]
        people.add_contacts(connection, contacts, now)
        people.save_customers(
            connection, [CustomerRow(channel=channel, customer_id=one, person=person) for channel, one in accounts]
        )
        if units:
            acting.adjust(connection, context, person, units, "a welcome", "the owner")

    context.database.write(unit)


def code(context: Context, name: str = CODE, terms: CouponTerms = TERMS, **more: Any) -> str:
    """Make a code, good for one use on every channel unless told otherwise."""
    context.database.write(lambda connection: acting.create(connection, context, name, terms, **more))
    return name


def left(context: Context, name: str = CODE) -> int:
    """How many uses are left of a code, by the ledger."""
    counter = uses(name)
    return context.database.read(lambda connection: ledger.balances(connection, [counter])).get(counter, 0)


def free(context: Context, person: str = ADA) -> int:
    """A person's points by the ledger, less those in open codes."""
    counter = points(person)

    def unit(connection: Any) -> int:
        return ledger.balances(connection, [counter]).get(counter, 0) - held_points(connection, person)

    return context.database.read(unit)


def balance(context: Context, person: str = ADA) -> BalanceLine:
    """A person's points as everybody is told them."""
    from bridge.app.loyal_looking import balance as look

    return context.database.read(lambda connection: look(connection, context, person))
