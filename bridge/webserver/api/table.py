"""The table of what the API offers. What is not in it is neither served nor documented."""

from datetime import timedelta

from bridge.app import answers
from bridge.app.serving import Kept, Serving
from bridge.engine.reported import Sale
from bridge.webserver.api import loyal_table, shapes
from bridge.webserver.api.operation import Call, Operation
from bridge.webserver.api.problems import Problem

__all__ = ["OPERATIONS"]


def _movements(serving: Serving, call: Call) -> answers.MovementPage:
    return serving.movements(call.path["sku"], call.query.place, call.query.cursor, call.query.limit)


def _skus(serving: Serving, call: Call) -> answers.SkuPage:
    return serving.skus(call.query.search, call.query.cursor, call.query.limit)


def _orders(serving: Serving, call: Call) -> answers.OrderPage:
    query = call.query
    return serving.orders(query.channel, query.status, query.cursor, query.limit)


def _hold(serving: Serving, call: Call) -> Kept:
    body: shapes.NewHold = call.body
    ends = body.expires_at if body.expires_in is None else timedelta(seconds=body.expires_in)
    if ends is None or (body.expires_at is not None and body.expires_in is not None):
        raise Problem(409, "a hold ends once", "expires_in, expires_at", "give one of the two")
    return serving.make_hold(call.once_only, body.sku, body.quantity, body.place, ends, body.note)


def _release(serving: Serving, call: Call) -> Kept:
    return serving.release_hold(call.once_only, call.path["hold_id"])


def _capture(serving: Serving, call: Call) -> Kept:
    return serving.capture_hold(call.once_only, call.path["hold_id"])


def _sale(serving: Serving, call: Call) -> Kept:
    body: shapes.NewSale = call.body
    units: dict[str, int] = {}
    for line in body.lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    sale = Sale(id=body.id, revision=body.revision, occurred_at=body.occurred_at, place=body.place, units=units)
    return serving.sell(call.once_only, sale)


def _count(serving: Serving, call: Call) -> Kept:
    body: shapes.NewCount = call.body
    return serving.count(call.once_only, body.sku, body.place, body.quantity, body.counted_at)


OPERATIONS = (
    Operation(
        method="GET", path="/skus", name="listSkus", about="Search SKUs, with what can be sold of each.",
        scopes=("read",), run=_skus, answer=answers.SkuPage, query=shapes.ListSkus,
    ),
    Operation(
        method="GET", path="/skus/{sku}/movements", name="listMovements", about="The ledger of one SKU, newest first.",
        scopes=("read",), run=_movements, answer=answers.MovementPage, query=shapes.MovementsOf, problems=(404,),
    ),
    Operation(
        method="GET", path="/skus/{sku}", name="getSku",
        about="What can be sold of a SKU at each place, and what each channel shows of it.",
        scopes=("read",), run=lambda serving, call: serving.sku(call.path["sku"]), answer=answers.SkuAnswer, problems=(404,),
    ),
    Operation(
        method="GET", path="/orders", name="listOrders", about="Orders of all channels, the newest change first.",
        scopes=("read",), run=_orders, answer=answers.OrderPage, query=shapes.ListOrders,
    ),
    Operation(
        method="GET", path="/orders/{channel}/{order_id}", name="getOrder",
        about="An order by its newest snapshot, with what it does to the stock. Nothing about the person.",
        scopes=("read",), run=lambda serving, call: serving.order(call.path["channel"], call.path["order_id"]),
        answer=answers.OrderAnswer, problems=(404,),
    ),
    Operation(
        method="POST", path="/holds", name="makeHold",
        about="Reserve units: every channel shows that many fewer until the hold is captured, released, or over.",
        scopes=("holds",), run=_hold, answer=answers.HoldAnswer, statuses=(201,), problems=(404, 409), body=shapes.NewHold,
        names=lambda body: {body.sku},
    ),
    Operation(
        method="GET", path="/holds/{hold_id}", name="getHold", about="A hold as it stands: open, captured, released or expired.",
        scopes=("read", "holds"), run=lambda serving, call: serving.hold(call.path["hold_id"]), answer=answers.HoldAnswer,
        problems=(404,),
    ),
    Operation(
        method="POST", path="/holds/{hold_id}/capture", name="captureHold",
        about='Hand the units over: the hold becomes a sale, named "hold-<id>" among the sales of this token.',
        scopes=("holds",), run=_capture, answer=answers.HoldAnswer, problems=(404, 409),
    ),
    Operation(
        method="POST", path="/holds/{hold_id}/release", name="releaseHold", about="Give the units back.",
        scopes=("holds",), run=_release, answer=answers.HoldAnswer, problems=(404, 409),
    ),
    Operation(
        method="POST", path="/sales", name="reportSale",
        about="Report a sale, or a newer revision of one. It is booked whole or not at all, and once however often it is sent.",
        scopes=("stock",), run=_sale, answer=answers.SaleAnswer, statuses=(200, 201), problems=(404, 409), body=shapes.NewSale,
        names=lambda body: {line.sku for line in body.lines},
    ),
    Operation(
        method="POST", path="/counts", name="reportCount",
        about="Report what was counted on a shelf. The ledger moves by what differs from what it held at that time.",
        scopes=("stock",), run=_count, answer=answers.CountAnswer, statuses=(201,), problems=(404, 409), body=shapes.NewCount,
        names=lambda body: {body.sku},
    ),
    *loyal_table.OPERATIONS,
)  # fmt: skip
