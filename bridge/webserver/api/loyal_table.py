"""The table's part about points and codes: what a till needs at the counter."""

from datetime import timedelta

from bridge.app import answers
from bridge.app.loyal_results import BalanceLine, CodeLine, Redeemed
from bridge.app.serving import Kept, Serving
from bridge.webserver.api import shapes
from bridge.webserver.api.operation import Call, Operation, Scope
from bridge.webserver.api.problems import Problem

__all__ = ["OPERATIONS"]

_SCOPES: tuple[Scope, ...] = ("loyalty",)


def _find(serving: Serving, call: Call) -> BalanceLine:
    query: shapes.FindCustomer = call.query
    # In an address "+" is a space: who writes +49... without encoding it means this number all the same.
    phone = f"+{query.phone[1:]}" if query.phone[:1] == " " else query.phone
    given = [(by, text) for by, text in (("email", query.email), ("phone", phone), ("account", query.account)) if text]
    if len(given) != 1:
        raise Problem(422, "a customer is found by one name", "query", "give email, phone or account, one of the three")
    by, text = given[0]
    return serving.loyal.find(by, text)  # type: ignore[arg-type]


def _redeem(serving: Serving, call: Call) -> Kept:
    body: shapes.NewRedemption = call.body
    return serving.loyal.redeem(call.once_only, call.path["person"], body.points, body.channels)


def _claim(serving: Serving, call: Call) -> Kept:
    body: shapes.NewClaim = call.body
    lasts = None if body.expires_in is None else timedelta(seconds=body.expires_in)
    if body.customer and body.contact:
        raise Problem(409, "a customer is named once", "contact", "give customer or contact, one of the two")
    once, code = call.once_only, call.path["code"]
    return serving.loyal.claim(once, code, body.channel, lasts, body.customer, body.spent, named=body.contact)


def _capture(serving: Serving, call: Call) -> Kept:
    return serving.loyal.capture(call.once_only, call.path["claim_id"], call.body.order)


OPERATIONS = (
    Operation(
        method="GET", path="/customers", name="findCustomer",
        about="The points of whoever has exactly this e-mail, phone or account, and our name for them. Nothing that says who it is.",
        scopes=_SCOPES, run=_find, answer=BalanceLine, query=shapes.FindCustomer, problems=(404,),
    ),
    Operation(
        method="GET", path="/customers/{person}", name="getCustomer", about="A person's points, tier, and codes made of points.",
        scopes=_SCOPES, run=lambda serving, call: serving.loyal.customer(call.path["person"]), answer=answers.CustomerAnswer,
        problems=(404,),
    ),
    Operation(
        method="GET", path="/customers/{person}/points", name="getPoints",
        about="A person's points with every lot (earned, left, pending until, expires) and the newest movements.",
        scopes=_SCOPES, run=lambda serving, call: serving.loyal.points(call.path["person"], call.query.limit),
        answer=answers.PointsAnswer, query=shapes.PointsOf, problems=(404,),
    ),
    Operation(
        method="POST", path="/customers/{person}/redemptions", name="redeemPoints",
        about="Turn points into a code that can be used once. They are held while it is open, and free again when it ends unused.",
        scopes=_SCOPES, run=_redeem, answer=Redeemed, statuses=(201,), problems=(404, 409), body=shapes.NewRedemption,
    ),
    Operation(
        method="GET", path="/coupons/{code}", name="getCoupon",
        about="A code as it was typed in, in any case: what it takes off, where it can be used, was used, and what is promised of it.",
        scopes=_SCOPES, run=lambda serving, call: serving.loyal.code(call.path["code"]), answer=answers.CodeAnswer, problems=(404,),
    ),
    Operation(
        method="POST", path="/coupons/{code}/close", name="closeCoupon",
        about="Take a code made of points out of use: the points in it are free again.",
        scopes=_SCOPES, run=lambda serving, call: serving.loyal.close(call.once_only, call.path["code"], points_only=True),
        answer=CodeLine, problems=(404, 409),
    ),
    Operation(
        method="POST", path="/coupons/{code}/claims", name="claimCoupon",
        about="Promise a use of a code at a channel that has no codes of its own: key in the discount, then capture or release the claim.",
        scopes=_SCOPES, run=_claim, answer=answers.ClaimAnswer, statuses=(201,), problems=(404, 409), body=shapes.NewClaim,
    ),
    Operation(
        method="POST", path="/claims/{claim_id}/capture", name="captureClaim",
        about="The promised use was made. Told twice, it counts once.",
        scopes=_SCOPES, run=_capture, answer=answers.ClaimAnswer, problems=(404, 409), body=shapes.CaptureClaim, bare=True,
    ),
    Operation(
        method="POST", path="/claims/{claim_id}/release", name="releaseClaim", about="Give the promised use back.",
        scopes=_SCOPES, run=lambda serving, call: serving.loyal.release(call.once_only, call.path["claim_id"]),
        answer=answers.ClaimAnswer, problems=(404, 409),
    ),
)  # fmt: skip
