"""Resolvers of the discount mutations; the rules are in `discounts`."""

from typing import Any

from bridge.sandbox.shopify import discounts
from bridge.sandbox.shopify.context import Context
from bridge.sandbox.shopify.discount_model import BASIC, SHIPPING, Discount, Import
from bridge.sandbox.shopify.errors import refuse
from bridge.sandbox.shopify.mutation import mutation
from bridge.sandbox.shopify.state import split

Args = dict[str, Any]
SCOPE = "write_discounts"
NO_CODE_DISCOUNT = "Code discount does not exist."


def _discount(context: Context, global_id: str) -> Discount | None:
    kind, number = split(global_id)
    return context.state.discounts.get(number) if kind == "DiscountCodeNode" else None


def _existing(context: Context, global_id: str, field: str = "id") -> Discount:
    found = _discount(context, global_id)
    if found is None:
        raise refuse([field], NO_CODE_DISCOUNT, "INVALID")
    return found


def _register(form: str, create: str, update: str, argument: str) -> None:
    @mutation(create, SCOPE)
    def _create(context: Context, args: Args) -> Args:
        return {"code_discount_node": discounts.create(context.state, form, args[argument])}

    @mutation(update, SCOPE)
    def _update(context: Context, args: Args) -> Args:
        found = _discount(context, args["id"])
        if found is None:
            raise refuse(["id"], "Discount does not exist")
        discounts.update(context.state, form, found, args[argument])
        return {"code_discount_node": found}


_register(BASIC, "discountCodeBasicCreate", "discountCodeBasicUpdate", "basicCodeDiscount")
_register(SHIPPING, "discountCodeFreeShippingCreate", "discountCodeFreeShippingUpdate", "freeShippingCodeDiscount")


@mutation("discountCodeDelete", SCOPE)
def _delete(context: Context, args: Args) -> Args:
    found = _existing(context, args["id"])
    discounts.delete(context.state, found)
    return {"deleted_code_discount_id": found.id}


@mutation("discountCodeActivate", SCOPE)
def _activate(context: Context, args: Args) -> Args:
    found = _existing(context, args["id"])
    discounts.activate(context.state, found)
    return {"code_discount_node": found}


@mutation("discountCodeDeactivate", SCOPE)
def _deactivate(context: Context, args: Args) -> Args:
    found = _existing(context, args["id"])
    discounts.deactivate(context.state, found)
    return {"code_discount_node": found}


@mutation("discountRedeemCodeBulkAdd", SCOPE)
def _add(context: Context, args: Args) -> Args:
    found = _existing(context, args["discountId"], "discountId")
    codes = [row["code"] for row in args["codes"]]
    if not codes:
        raise refuse(["codes"], "Codes can't be blank", "BLANK")
    state = context.state
    made = Import(state.number("DiscountRedeemCodeBulkCreation"), found, state.now(), codes)
    state.imports[made.id] = made
    # The answer is of the moment before: done is false in it, however quick the work is (recorded).
    shown = {"id": made.id, "created_at": made.created_at, "discount_code": found, "codes_wanted": codes}
    state.later(lambda: discounts.carry_out(state, made), state.job_id())
    return {"bulk_creation": shown}


@mutation("discountCodeRedeemCodeBulkDelete", SCOPE)
def _take(context: Context, args: Args) -> Args:
    given = [name for name in ("ids", "search") if args.get(name) is not None]
    if not given:
        raise refuse(None, "Missing expected argument key: 'ids', 'search' or 'saved_search_id'.", "MISSING_ARGUMENT")
    if len(given) > 1:
        raise refuse(None, "Only one of 'ids', 'search' or 'saved_search_id' is allowed.", "TOO_MANY_ARGUMENTS")
    if given == ["search"]:
        raise refuse(["search"], "This sandbox takes codes away by id only.", "INVALID")
    found = _existing(context, args["discountId"], "discountId")
    if not args["ids"]:
        raise refuse(None, "Something went wrong, please try again.")
    state = context.state
    numbers = {split(one)[1] for one in args["ids"]}
    gone = [code for code in found.codes.values() if code.number in numbers]
    job = state.later(lambda: discounts.take_codes(state, found, gone), state.job_id())
    if not state.settings.job_seconds:
        state.settle()
    return {"job": {"id": job.id, "done": job.done}}
