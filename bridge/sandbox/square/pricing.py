"""What an order adds up to, in whole minor units. Pure: reads and fills in order JSON, knows nothing else.

Rounding is half to even, and an order-scoped adjustment is worked out on the whole order and then shared out among its
lines (developer.squareup.com/docs/orders-api/price-adjustments; the worked example of `CreateOrderResponse`).
"""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from bridge.sandbox.square.errors import bad_request, invalid, missing
from bridge.sandbox.square.values import UNIT, Ids, Json, amount_of, money, units

DEDUCTING = frozenset({"US", "CA", "JP"})
"""Where inclusive tax is taken out of `gross_sales_money` (specification, `OrderLineItem.gross_sales_money`)."""

Line = Json


def price(order: Json, currency: str, country: str, ids: Ids) -> None:
    """Fill in all amounts of an order: lines, applied taxes and discounts, and the totals."""
    lines: list[Line] = order.get("line_items") or []
    for number, line in enumerate(lines):
        _gross(line, currency, f"order.line_items[{number}]")
    discounts, taxes = order.get("discounts") or [], order.get("taxes") or []
    _link(lines, discounts, "discount_uid", "applied_discounts", ids)
    _link(lines, taxes, "tax_uid", "applied_taxes", ids)
    nets = [_amount(line, "_gross") for line in lines]
    for discount in sorted(discounts, key=_phase):
        _discount(discount, lines, nets, currency)
    _tax(taxes, lines, nets, currency)
    for line, net in zip(lines, nets, strict=True):
        _finish(line, net, taxes, currency, country)
    charges = order.get("service_charges") or []
    _totals(order, lines, _charges(charges, currency, ids), currency)


def share(total: int, weights: list[Fraction]) -> list[int]:
    """Share a whole amount out by weight: the floors first, what is left to the largest remainders."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [part.numerator // part.denominator for part in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def round_half_even(value: Fraction) -> int:
    """Round to the nearest whole, halves to the even one."""
    return round(value)


def _gross(line: Line, currency: str, where: str) -> None:
    amount = units(line.get("quantity"), f"{where}.quantity")
    if amount < 0 or (amount % UNIT and not line.get("quantity_unit")):
        raise invalid("INVALID_VALUE", "The quantity must be a whole number.", f"{where}.quantity")
    base = amount_of(line.get("base_price_money"), currency, f"{where}.base_price_money")
    total = round_half_even(Fraction(base * amount, UNIT))
    line["variation_total_price_money"] = money(total, currency)
    line["_gross"] = total


def _link(lines: list[Line], parts: list[Json], key: str, name: str, ids: Ids) -> None:
    """Give every line its references: written ones for LINE_ITEM scope, made ones for ORDER scope."""
    scopes = {part["uid"]: part["scope"] for part in parts}
    for line in lines:
        kept = []
        for applied in line.get(name) or ():
            if applied.get(key) not in scopes:
                raise bad_request(f"`{applied.get(key)}` is not the uid of a {key[:-4]} of this order.", name)
            kept.append({"uid": applied.get("uid") or ids.make(22), key: applied[key]})
        have = {applied[key] for applied in kept}
        kept += [{"uid": ids.make(22), key: uid} for uid, s in scopes.items() if s == "ORDER" and uid not in have]
        line[name] = kept


def _phase(discount: Json) -> tuple[int, bool]:
    # Percentages before amounts, and within them lines before the order; a catalog discount goes before one made up on
    # the spot (the worked example of `CreateOrderResponse`).
    fixed, whole = discount["type"].endswith("AMOUNT"), discount["scope"] == "ORDER"
    return (2 if fixed else 0) + (1 if whole else 0), "catalog_object_id" not in discount


def _discount(discount: Json, lines: list[Line], nets: list[int], currency: str) -> None:
    hit = [i for i, line in enumerate(lines) if _applied(line, "applied_discounts", "discount_uid", discount["uid"])]
    base = sum(nets[i] for i in hit)
    if discount["type"].endswith("PERCENTAGE"):
        total = round_half_even(base * _rate(discount))
    else:
        total = min(base, amount_of(discount.get("amount_money"), currency, "order.discounts.amount_money"))
    for i, part in zip(hit, share(total, [Fraction(nets[i]) for i in hit]), strict=True):
        nets[i] -= part
        _write(lines[i], "applied_discounts", "discount_uid", discount["uid"], money(part, currency))
    discount["applied_money"] = money(total, currency)


def _tax(taxes: list[Json], lines: list[Line], nets: list[int], currency: str) -> None:
    """Work out the taxes: inclusive ones lie inside the price, additive ones come on top of the price without them."""
    inside = [Fraction(0)] * len(lines)
    for i, line in enumerate(lines):
        rates = [_rate(tax) for tax in taxes if tax["type"] == "INCLUSIVE" and _taxed(line, tax)]
        inside[i] = nets[i] * sum(rates, Fraction(0)) / (1 + sum(rates, Fraction(0)))
    for tax in taxes:
        hit = [i for i, line in enumerate(lines) if _taxed(line, tax)]
        exact = [(nets[i] - inside[i]) * _rate(tax) for i in hit]
        total = round_half_even(sum(exact, Fraction(0)))
        for i, part in zip(hit, share(total, exact), strict=True):
            _write(lines[i], "applied_taxes", "tax_uid", tax["uid"], money(part, currency))
        tax["applied_money"] = money(total, currency)


def _finish(line: Line, net: int, taxes: list[Json], currency: str, country: str) -> None:
    kinds = {tax["uid"]: tax["type"] for tax in taxes}
    applied = [(kinds[one["tax_uid"]], one["applied_money"]["amount"]) for one in line["applied_taxes"]]
    inclusive = sum(amount for kind, amount in applied if kind == "INCLUSIVE")
    gross = line.pop("_gross")
    line["gross_sales_money"] = money(gross - (inclusive if country in DEDUCTING else 0), currency)
    line["total_tax_money"] = money(sum(amount for _, amount in applied), currency)
    line["total_discount_money"] = money(gross - net, currency)
    line["total_money"] = money(net + sum(amount for kind, amount in applied if kind != "INCLUSIVE"), currency)
    line["total_service_charge_money"] = money(0, currency)
    for name in ("applied_taxes", "applied_discounts"):
        if not line[name]:
            del line[name]


def _charges(charges: list[Json], currency: str, ids: Ids) -> int:
    """Work out service charges of a fixed amount, untaxed, on top of the lines (specification, `OrderServiceCharge`)."""
    for number, charge in enumerate(charges):
        where = f"order.service_charges[{number}]"
        if not charge.get("name"):
            raise missing(f"{where}.name")
        amount = amount_of(charge.get("amount_money"), currency, f"{where}.amount_money")
        charge.setdefault("uid", ids.make(22))
        charge.setdefault("calculation_phase", "TOTAL_PHASE")
        charge |= {"type": "CUSTOM", "applied_money": money(amount, currency), "total_money": money(amount, currency)}
        charge["total_tax_money"] = money(0, currency)
    return sum(_amount(charge, "total_money") for charge in charges)


def _totals(order: Json, lines: list[Line], charges: int, currency: str) -> None:
    sums = {
        name: sum(_amount(line, f"total_{name}") for line in lines) for name in ("money", "tax_money", "discount_money")
    }
    order["total_money"] = money(sums["money"] + charges, currency)
    order["total_tax_money"] = money(sums["tax_money"], currency)
    order["total_discount_money"] = money(sums["discount_money"], currency)
    order["total_tip_money"] = money(0, currency)
    order["total_service_charge_money"] = money(charges, currency)
    total = sums["money"] + charges
    order["net_amounts"] = amounts(currency, total, sums["tax_money"], sums["discount_money"], charges)


def amounts(currency: str, total: int, tax: int = 0, discount: int = 0, charges: int = 0) -> Json:
    """Make an `OrderMoneyAmounts`."""
    return {
        "total_money": money(total, currency),
        "tax_money": money(tax, currency),
        "discount_money": money(discount, currency),
        "tip_money": money(0, currency),
        "service_charge_money": money(charges, currency),
    }


def complete_adjustments(order: Json, find: Callable[[str, str], Json | None], ids: Ids) -> None:
    """Fill in uid, scope, type and the catalog's words of the taxes and discounts of an order."""
    for name, kind in (("taxes", "TAX"), ("discounts", "DISCOUNT")):
        for number, part in enumerate(order.get(name) or ()):
            where = f"order.{name}[{number}]"
            part.setdefault("uid", ids.make(22))
            part.setdefault("scope", "ORDER")
            if part.get("catalog_object_id"):
                _from_catalog(part, find(part["catalog_object_id"], kind), kind, where)
            if kind == "TAX":
                part.setdefault("type", "ADDITIVE")
            else:
                part.setdefault("type", "FIXED_AMOUNT" if part.get("amount_money") else "FIXED_PERCENTAGE")
            if not part.get("name"):
                raise missing(f"{where}.name")
            if part.get("amount_money") is None or kind == "TAX":
                _check_percentage(part.get("percentage"), f"{where}.percentage")


def _from_catalog(part: Json, data: Json | None, kind: str, where: str) -> None:
    if data is None:
        raise bad_request(f"{kind} with ID `{part['catalog_object_id']}` not found.", f"{where}.catalog_object_id")
    for name in ("name", "percentage", "amount_money"):
        if data.get(name) is not None:
            part.setdefault(name, data[name])
    if kind == "TAX":
        part.setdefault("type", data.get("inclusion_type") or "ADDITIVE")


def _check_percentage(text: Any, where: str) -> None:
    try:
        value = Decimal(text)
    except (ArithmeticError, TypeError, ValueError):
        raise invalid("INVALID_VALUE", f"`{text}` is not a percentage.", where) from None
    if not 0 <= value <= 100:
        raise invalid("INVALID_VALUE", "A percentage lies between 0 and 100.", where)


def _rate(part: Json) -> Fraction:
    return Fraction(Decimal(part["percentage"])) / 100


def _taxed(line: Line, tax: Json) -> bool:
    return _applied(line, "applied_taxes", "tax_uid", tax["uid"])


def _applied(line: Line, name: str, key: str, uid: str) -> bool:
    return any(applied[key] == uid for applied in line[name])


def _write(line: Line, name: str, key: str, uid: str, applied: Json) -> None:
    for part in line[name]:
        if part[key] == uid:
            part["applied_money"] = applied


def _amount(line: Line, name: str) -> int:
    value = line[name]
    return int(value["amount"] if isinstance(value, dict) else value)
