"""How Shopify writes numbers and times."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

CENT = Decimal("0.01")
# MoneyV2.amount drops trailing zeros but keeps one digit ("15.0", "31.9"), the Money scalar has two ("24.00")
# (recorded: refund-create-full-parity, product-variants-bulk-create-parity).


def amount(value: Decimal) -> str:
    """Write `MoneyV2.amount`."""
    cents = value.quantize(CENT, ROUND_HALF_UP)
    text = f"{cents:f}"
    return text[:-1] if text.endswith("0") else text


def price(value: Decimal | None) -> str | None:
    """Write the `Money` scalar."""
    return None if value is None else f"{value.quantize(CENT, ROUND_HALF_UP):f}"


def money(value: Decimal, currency: str) -> dict[str, str]:
    """Build a MoneyV2."""
    return {"amount": amount(value), "currencyCode": currency}


def bag(value: Decimal, currency: str) -> dict[str, Any]:
    """Build a MoneyBag of one currency."""
    one = money(value, currency)
    return {"shopMoney": one, "presentmentMoney": one}


def decimal(text: Any) -> Decimal:
    """Read a decimal as Shopify's scalars do; ValueError when it is none."""
    try:
        value = Decimal(str(text))
    except InvalidOperation as error:
        raise ValueError(f"invalid decimal '{text}'") from error
    if not value.is_finite():
        raise ValueError(f"invalid decimal '{text}'")
    return value


def stamp(moment: datetime | None) -> str | None:
    """Write a DateTime: UTC, whole seconds, "Z"."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Read a DateTime; without an offset it is UTC."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
