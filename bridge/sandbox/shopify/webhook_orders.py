"""Payloads of orders and refunds, computed from the shop's state in the shape of Shopify's samples.

Samples: orders/*, refunds/create of the 2026-07 webhook reference. What this shop does not have (taxes by jurisdiction, duties,
tips, risk, devices) is null, empty or zero there.
"""

from bisect import bisect_right
from decimal import Decimal

from bridge.sandbox.shopify import orders
from bridge.sandbox.shopify.model import (
    ZERO,
    Application,
    Customer,
    Edit,
    Fulfillment,
    LineItem,
    Order,
    Refund,
    RefundLine,
    Transaction,
)
from bridge.sandbox.shopify.money import price
from bridge.sandbox.shopify.state import State, split
from bridge.sandbox.shopify.webhook_parts import Body, local, money_set

STATUSES = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}
# name of an order's amount -> what it is made of, as ordered and as it is now
AMOUNTS = {
    "current_shipping_price": orders.shipping_total,
    "current_subtotal_price": orders.current_subtotal,
    "current_total_discounts": orders.discount_total,
    "current_total_price": orders.current_total,
    "current_total_tax": orders.tax_total,
    "subtotal_price": orders.subtotal,
    "total_cash_rounding_payment_adjustment": lambda _: ZERO,
    "total_cash_rounding_refund_adjustment": lambda _: ZERO,
    "total_discounts": orders.discount_total,
    "total_line_items_price": lambda order: sum((line.price * line.quantity for line in order.lines), ZERO),
    "total_price": orders.total,
    "total_shipping_price": orders.shipping_total,
    "total_tax": orders.tax_total,
}
ONLY_AS_SET = (
    "current_shipping_price",
    "total_cash_rounding_payment_adjustment",
    "total_cash_rounding_refund_adjustment",
    "total_shipping_price",
)
NOTHING = dict.fromkeys(
    (
        "app_id", "browser_ip", "cart_token", "checkout_token", "client_details", "confirmation_number",
        "current_total_additional_fees_set", "current_total_duties_set", "customer_locale", "device_id", "landing_site",
        "landing_site_ref", "merchant_business_entity_id", "merchant_of_record_app_id", "original_total_additional_fees_set",
        "original_total_duties_set", "payment_terms", "reference", "referring_site", "source_url", "user_id",
    )
)  # fmt: skip
NEVER = dict.fromkeys(("buyer_accepts_marketing", "duties_included", "estimated_taxes", "tax_exempt"), False)
EMPTY = ("line_item_groups", "returns", "tax_lines")


def order_body(state: State, order: Order) -> Body:
    """Return the payload of orders/create, updated, paid, cancelled and (partially_)fulfilled."""
    body: Body = {"id": order.number, "admin_graphql_api_id": order.id, **NOTHING, **NEVER}
    body |= {name: [] for name in EMPTY}
    body |= _heads(state, order) | _amounts(state, order) | _people(state, order)
    body["discount_applications"] = [_application(made) for made in order.applications]
    body["line_items"] = [_line(state, line) for line in order.lines]
    body["refunds"] = [refund_body(state, refund) for refund in order.refunds]
    body["fulfillments"] = [_fulfillment(state, done) for done in order.fulfillments]
    body["shipping_lines"] = [_shipping(state, row) for row in order.shipping_lines]
    return body


def _heads(state: State, order: Order) -> Body:
    return {
        "cancel_reason": order.cancel_reason.lower() if order.cancel_reason else None,
        "cancelled_at": local(state, order.cancelled_at),
        "closed_at": local(state, order.closed_at),
        "confirmed": True,
        "created_at": local(state, order.created_at),
        "currency": state.settings.currency,
        "discount_codes": [
            {"code": code, "amount": price(_code_worth(order, code)), "type": "fixed_amount"}
            for code in order.discount_codes
        ],
        "financial_status": (orders.financial_status(order) or "pending").lower(),
        "fulfillment_status": STATUSES.get(orders.fulfillment_status(order)),
        "location_id": order.retail_location.number if order.retail_location else None,
        "name": order.name,
        "note": order.note,
        "note_attributes": [{"name": row["key"], "value": row["value"]} for row in order.custom_attributes],
        "number": _counted(state, order),
        "order_number": 1000 + _counted(state, order),
        "order_status_url": f"{state.settings.host}/orders/{order.number}/authenticate",
        "payment_gateway_names": list(dict.fromkeys(payment.gateway for payment in order.transactions)),
        "po_number": order.po_number,
        "presentment_currency": state.settings.currency,
        "processed_at": local(state, order.processed_at),
        "source_identifier": order.source_identifier,
        "source_name": order.source_name,
        "tags": ", ".join(order.tags),
        "taxes_included": order.taxes_included,
        "test": order.test,
        "token": f"{order.number:032x}",
        "total_outstanding": price(orders.outstanding(order)),
        "total_tip_received": "0.00",
        "total_weight": 0,
        "updated_at": local(state, order.updated_at),
    }


def _counted(state: State, order: Order) -> int:
    """Return which order of the shop it is, from 1; an imported one may have any name."""
    return bisect_right(state.orders.numbers, order.number)


def _amounts(state: State, order: Order) -> Body:
    worth = {name: count(order) for name, count in AMOUNTS.items()}
    sets = {f"{name}_set": money_set(state, value) for name, value in worth.items()}
    return {**{name: price(value) for name, value in worth.items() if name not in ONLY_AS_SET}, **sets}


def _people(state: State, order: Order) -> Body:
    """Say who bought; null for an app without access to protected customer data."""
    shown = state.settings.personal_data
    return {
        "billing_address": _address(order.billing_address) if shown else None,
        "contact_email": order.email if shown else None,
        "customer": customer_body(state, order.customer) if order.customer else None,
        "email": order.email if shown else None,
        "phone": order.phone if shown else None,
        "shipping_address": _address(order.shipping_address) if shown else None,
    }


def _address(given: Body | None) -> Body | None:
    if given is None:
        return None
    names = (given.get("firstName"), given.get("lastName"))
    return {
        "first_name": names[0], "address1": given.get("address1"), "phone": given.get("phone"), "city": given.get("city"),
        "zip": given.get("zip"), "province": given.get("province"), "country": given.get("country"), "last_name": names[1],
        "address2": given.get("address2"), "company": given.get("company"), "latitude": None, "longitude": None,
        "name": " ".join(name for name in names if name) or None, "country_code": given.get("countryCode"),
        "province_code": given.get("provinceCode"),
    }  # fmt: skip


def customer_body(state: State, buyer: Customer) -> Body:
    """Return a customer's record, as an order carries it and the customers topics send it."""
    body: Body = {
        "id": buyer.number, "created_at": local(state, buyer.created_at), "updated_at": local(state, buyer.updated_at),
        "state": "disabled", "verified_email": True, "multipass_identifier": None, "tax_exempt": False,
        "currency": state.settings.currency, "tax_exemptions": [], "admin_graphql_api_id": buyer.id, "default_address": None,
    }  # fmt: skip
    personal = {
        "first_name": buyer.first_name, "last_name": buyer.last_name, "note": buyer.note, "email": buyer.email,
        "phone": buyer.phone,
    }  # fmt: skip
    return body | (personal if state.settings.personal_data else dict.fromkeys(personal))


def _goods(state: State, line: LineItem) -> Body:
    """Return what lines of orders and of refunds have in common; a deleted variant is null, its SKU stays."""
    variant = state.variants.get(line.variant.number) if line.variant else None
    product = state.products.get(line.product.number) if line.product else None
    name = f"{line.title} - {line.variant_title}" if line.variant_title else line.title
    return {
        "id": line.number, "admin_graphql_api_id": line.id, "fulfillable_quantity": line.unfulfilled_quantity,
        "fulfillment_service": "manual", "fulfillment_status": _line_status(line), "grams": 0,
        "gift_card": bool(line.product and line.product.is_gift_card),
        "name": name, "price": price(line.price), "price_set": money_set(state, line.price),
        "product_exists": product is not None, "product_id": product.number if product else None,
        "properties": [{"name": row["key"], "value": row["value"]} for row in line.custom_attributes],
        "quantity": line.quantity, "requires_shipping": line.requires_shipping, "sku": line.sku, "taxable": line.taxable,
        "title": line.title, "total_discount": "0.00", "total_discount_set": money_set(state, ZERO),
        "variant_id": variant.number if variant else None,
        "variant_inventory_management": "shopify" if variant and variant.item.tracked else None,
        "variant_title": line.variant_title, "vendor": line.vendor, "duties": [],
        "tax_lines": _taxes(state, line.taxes), "discount_allocations": _allocations(state, line),
    }  # fmt: skip


def _line_status(line: LineItem) -> str | None:
    if not line.fulfilled:
        return None
    return "fulfilled" if line.unfulfilled_quantity <= 0 else "partial"


def _allocations(state: State, line: LineItem) -> list[Body]:
    return [
        {"amount": price(part), "amount_set": money_set(state, part), "discount_application_index": made.index}
        for made, part in line.allocations
    ]


def _application(made: Application) -> Body:
    """Return what was taken off, in the REST API's words (webhook reference, orders/create: type, value_type)."""
    kind = {"type": "discount_code", "code": made.code} if made.code else {"type": "manual", "title": made.title}
    return {
        **kind,
        "value": f"{made.percent:f}" if made.percent else price(made.amount),
        "value_type": "percentage" if made.percent else "fixed_amount",
        "allocation_method": "each" if made.percent else "across",
        "target_selection": "entitled" if made.entitled else "all",
        "target_type": made.target.lower(),
    }


def _code_worth(order: Order, code: str) -> Decimal:
    parts = (part for line in order.lines for made, part in line.allocations if made.code == code)
    return sum(parts, ZERO)


def _line(state: State, line: LineItem) -> Body:
    more = {"attributed_staffs": [], "current_quantity": line.current_quantity, "sales_line_item_group_id": None}
    return _goods(state, line) | more


def _taxes(state: State, rows: list[Body]) -> list[Body]:
    return [
        {
            "channel_liable": False, "price": price(row["amount"]), "price_set": money_set(state, row["amount"]),
            "rate": row["rate"], "title": row["title"],
        }
        for row in rows
    ]  # fmt: skip


def _shipping(state: State, row: Body) -> Body:
    amount = money_set(state, row["price"])
    return {
        "id": split(row["id"])[1], "carrier_identifier": None, "code": row["code"], "current_discounted_price_set": amount,
        "discounted_price": price(row["price"]), "discounted_price_set": amount, "is_removed": False, "phone": None,
        "price": price(row["price"]), "price_set": amount, "requested_fulfillment_service_id": None,
        "source": row["source"], "title": row["title"], "tax_lines": _taxes(state, row["taxes"]),
        "discount_allocations": [],
    }  # fmt: skip


def _fulfillment(state: State, done: Fulfillment) -> Body:
    numbers = [row["number"] for row in done.tracking if row["number"]]
    urls = [row["url"] for row in done.tracking if row["url"]]
    return {
        "id": done.number, "admin_graphql_api_id": done.id, "created_at": local(state, done.created_at),
        "line_items": [{**_line(state, line), "quantity": units} for _, line, units in done.lines],
        "location_id": done.location.number, "name": done.name, "order_id": done.order.number, "origin_address": {},
        "receipt": {}, "service": "manual", "shipment_status": None, "status": done.status.lower(),
        "tracking_company": done.tracking[0]["company"] if done.tracking else None,
        "tracking_number": numbers[0] if numbers else None, "tracking_numbers": numbers,
        "tracking_url": urls[0] if urls else None, "tracking_urls": urls, "updated_at": local(state, done.updated_at),
    }  # fmt: skip


def refund_body(state: State, refund: Refund) -> Body:
    """Return the payload of refunds/create, which is also how an order shows its refunds."""
    return {
        "id": refund.number, "order_id": refund.order.number, "created_at": local(state, refund.created_at),
        "note": refund.note, "user_id": None, "processed_at": local(state, refund.processed_at), "duties": [],
        "total_duties_set": money_set(state, ZERO), "return": None, "refund_shipping_lines": [],
        "restock": any(row.restocked for row in refund.lines), "admin_graphql_api_id": refund.id, "order_adjustments": [],
        "refund_line_items": [_refund_line(state, row) for row in refund.lines],
        "transactions": [_payment(state, payment) for payment in refund.transactions],
    }  # fmt: skip


def _refund_line(state: State, row: RefundLine) -> Body:
    tax = orders.line_tax(row.line) * row.quantity / (row.line.quantity or 1)
    return {
        "id": row.number, "quantity": row.quantity, "line_item_id": row.line.number,
        "location_id": row.location.number if row.location else None, "restock_type": row.restock_type.lower(),
        "subtotal": float(_cents(row.subtotal)), "total_tax": float(_cents(tax)),
        "subtotal_set": money_set(state, row.subtotal), "total_tax_set": money_set(state, tax),
        "line_item": _goods(state, row.line),
    }  # fmt: skip


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def _payment(state: State, payment: Transaction) -> Body:
    unsettled = {"amount": "0.0", "currency": "XXX"}
    return {
        "id": payment.number, "order_id": payment.order.number, "kind": payment.transaction_kind.lower(),
        "gateway": payment.gateway, "status": payment.status.lower(), "message": None,
        "created_at": local(state, payment.created_at), "test": payment.test, "authorization": None, "location_id": None,
        "user_id": None, "parent_id": payment.parent.number if payment.parent else None,
        "processed_at": local(state, payment.created_at), "device_id": None, "error_code": None,
        "source_name": payment.order.source_name, "receipt": {}, "amount": price(payment.amount),
        "currency": state.settings.currency, "payment_id": f"{payment.order.name}.1",
        "total_unsettled_set": {"presentment_money": unsettled, "shop_money": unsettled},
        "manual_payment_gateway": payment.gateway == "manual", "amount_rounding": None,
        "admin_graphql_api_id": payment.id,
    }  # fmt: skip


def edit_body(state: State, edit: Edit) -> Body:
    """Return the payload of orders/edited: deltas of lines only."""
    row = [{"id": edit.line.number, "delta": abs(edit.change)}]
    lines = {"additions": row if edit.change > 0 else [], "removals": row if edit.change < 0 else []}
    return {
        "order_edit": {
            "id": edit.number, "app_id": None, "created_at": local(state, edit.created_at),
            "committed_at": local(state, edit.created_at), "notify_customer": False, "order_id": edit.line.order.number,
            "staff_note": "", "user_id": None, "line_items": lines,
            "discounts": {"line_item": {"additions": [], "removals": []}},
            "shipping_lines": {"additions": [], "removals": []},
        }
    }  # fmt: skip
