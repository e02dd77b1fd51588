"""How webhook payloads write times and money: as the REST API does, not as GraphQL."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from bridge.sandbox.shopify.money import price
from bridge.sandbox.shopify.state import State

Body = dict[str, Any]


def local(state: State, moment: datetime | None) -> str | None:
    """Write a time in the shop's own time zone, "2021-12-31T19:00:00-05:00"."""
    if moment is None:
        return None
    zone = timezone(timedelta(hours=state.settings.utc_offset))
    return moment.astimezone(zone).isoformat(timespec="seconds")


def money_set(state: State, value: Decimal) -> Body:
    """Write an amount in the shop's and the buyer's currency, which are one here."""
    one = {"amount": price(value), "currency_code": state.settings.currency}
    return {"shop_money": one, "presentment_money": one}
