"""What the answer of a discount mutation means for the code it was about: pure."""

from collections.abc import Mapping
from typing import Any, Literal

from bridge.contract.loyalty import CouponResult, CouponWrite
from connectors.shopify.mapping import short

__all__ = ["NO_MORE", "failure", "outcome", "result"]

Kind = Literal["done", "later", "taken", "gone", "refused", "retry"]
# Recorded, 2026-04: discount-update-edge-cases, discount-activate-deactivate-edge-cases.
NO_MORE = frozenset({"Discount does not exist", "Code discount does not exist."})
# A code that another coupon has: over a single one TAKEN, in a bulk creation these words (recorded, 2026-04).
_TAKEN = "must be unique"


def result(write: CouponWrite, kind: Kind, *, code_id: str = "", group_id: str = "", reason: str = "") -> CouponResult:
    """Build the result of a row."""
    return CouponResult(code=write.code, kind=kind, id=code_id, group_id=group_id, reason=reason)


def outcome(write: CouponWrite, payload: Mapping[str, Any]) -> CouponResult:
    """Read the payload of the mutation of a code that stands alone."""
    if payload["userErrors"]:
        return failure(write, payload["userErrors"][0])
    node = payload["codeDiscountNode"]
    if write.terms.minimum is None and (node.get("codeDiscount") or {}).get("minimumRequirement"):
        # Nobody confirms that null clears it: told, so that the code is never stricter than it says.
        step = "take it off by hand in the shop's admin"
        return result(write, "refused", code_id=short(node["id"]), reason=f"its minimum cannot be taken off: {step}")
    return result(write, "done", code_id=short(node["id"]))


def failure(write: CouponWrite, error: Mapping[str, Any]) -> CouponResult:
    """Read one user error."""
    code, text = str(error.get("code") or ""), str(error["message"])
    if code == "TAKEN" or _TAKEN in text:
        return result(write, "taken", reason=text)
    if text in NO_MORE:
        return result(write, "gone", reason=text)
    if code == "INTERNAL_ERROR":
        return result(write, "retry", reason=text)
    at = ".".join(error.get("field") or ()) or "the call"
    return result(write, "refused", code_id=write.id, reason=f"Shopify refuses it at {at}: {text}")
