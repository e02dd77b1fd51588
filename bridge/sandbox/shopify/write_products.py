"""Resolvers of the product mutations: input in, payload out; the rules are in `catalog` and `catalog_bulk`."""

from typing import Any

from bridge.sandbox.shopify import catalog, catalog_bulk
from bridge.sandbox.shopify.context import Context
from bridge.sandbox.shopify.errors import InvalidError, refuse
from bridge.sandbox.shopify.model import Operation, Product, gid
from bridge.sandbox.shopify.mutation import mutation
from bridge.sandbox.shopify.read_root import shop

Args = dict[str, Any]
SCOPE = "write_products"


def _existing(context: Context, product_id: str | None, field: str = "id", code: str | None = None) -> Product:
    product = catalog.find_product(context.state, product_id)
    if product is None:
        raise refuse([field], "Product does not exist", code)
    return product


def _attach(context: Context, product: Product, media: list[dict[str, Any]] | None) -> list[Any]:
    return [catalog.add_media(context.state, product, row["originalSource"], row.get("alt")) for row in media or []]


@mutation("productCreate", SCOPE)
def _create(context: Context, args: Args) -> Args:
    payload: Args = {"shop": shop(context, {})}
    try:
        product = catalog.create(context.state, args.get("product") or {})
    except InvalidError as refusal:
        return {**payload, "user_errors": refusal.errors}
    _attach(context, product, args.get("media"))
    return {**payload, "product": product}


@mutation("productUpdate", SCOPE)
def _update(context: Context, args: Args) -> Args:
    given = args.get("product") or {}
    identifier = args.get("identifier") or {}
    found = context.state.handles.get(identifier.get("handle") or "")
    product = found or _existing(context, given.get("id") or identifier.get("id"))
    try:
        catalog.update(context.state, product, given)
    except InvalidError as refusal:
        return {"product": product, "user_errors": refusal.errors}
    if args.get("media"):
        _attach(context, product, args["media"])
        context.state.touch_product(product)
    return {"product": product}


@mutation("productSet", SCOPE)
def _set(context: Context, args: Args) -> Args:
    given = args["input"]
    identifier = args.get("identifier") or {}
    product = context.state.handles.get(identifier.get("handle") or "")
    wanted = identifier.get("id") or given.get("id")
    if wanted is not None:
        product = _existing(context, wanted, "input", "PRODUCT_DOES_NOT_EXIST")
    if args.get("synchronous") is False:
        return _set_later(context, product, given)
    return {"product": catalog_bulk.upsert(context.state, product, given)}


def _set_later(context: Context, product: Product | None, given: dict[str, Any]) -> Args:
    """Hand out a ticket; the product is written when the job runs (recorded: product-set-async-operation-parity)."""
    state = context.state
    ticket = Operation(gid("ProductSetOperation", state.number("ProductSetOperation")), None, state.now_of())

    def run() -> None:
        try:
            ticket.product = catalog_bulk.upsert(state, product, given)
        except InvalidError as refusal:
            ticket.user_errors = refusal.errors

    ticket.due = state.later(run, ticket.id).due
    state.operations[ticket.id] = ticket
    created: Args = {"id": ticket.id, "status": "CREATED", "product": None, "user_errors": []}
    return {"product_set_operation": created}


@mutation("productDelete", SCOPE)
def _delete(context: Context, args: Args) -> Args:
    payload: Args = {"shop": shop(context, {})}
    product = catalog.find_product(context.state, args["input"]["id"])
    if product is None:
        return {**payload, "user_errors": [{"field": ["id"], "message": "Product does not exist"}]}
    catalog.delete(context.state, product)
    return {**payload, "deleted_product_id": product.id}


@mutation("productCreateMedia", SCOPE)
def _create_media(context: Context, args: Args) -> Args:
    product = catalog.find_product(context.state, args["productId"])
    if product is None:
        errors = [{"field": ["productId"], "message": "Product does not exist", "code": "PRODUCT_DOES_NOT_EXIST"}]
        return {"media_user_errors": errors, "user_errors": errors}
    media = _attach(context, product, args["media"])
    context.state.touch_product(product)
    return {"media": media, "product": product, "media_user_errors": []}


@mutation("productDeleteMedia", SCOPE)
def _delete_media(context: Context, args: Args) -> Args:
    product = catalog.find_product(context.state, args["productId"])
    if product is None:
        errors = [{"field": ["productId"], "message": "Product does not exist", "code": "PRODUCT_DOES_NOT_EXIST"}]
        return {"media_user_errors": errors, "user_errors": errors}
    gone = [media.id for media in product.media if media.id in args["mediaIds"]]
    if len(gone) < len(set(args["mediaIds"])):
        text = "Media does not exist on the given product"
        errors = [{"field": ["mediaIds"], "message": text, "code": "MEDIA_DOES_NOT_EXIST_ON_PRODUCT"}]
        return {"product": product, "media_user_errors": errors, "user_errors": errors}
    product.media = [media for media in product.media if media.id not in gone]
    context.state.touch_product(product)
    return {"deleted_media_ids": gone, "deleted_product_image_ids": [], "product": product, "media_user_errors": []}


@mutation("productVariantsBulkCreate", SCOPE)
def _bulk_create(context: Context, args: Args) -> Args:
    product = _existing(context, args["productId"], "productId", "PRODUCT_DOES_NOT_EXIST")
    created = catalog_bulk.create(context.state, product, args["variants"], args.get("strategy") or "DEFAULT")
    return {"product": product, "product_variants": created}


@mutation("productVariantsBulkUpdate", SCOPE)
def _bulk_update(context: Context, args: Args) -> Args:
    product = _existing(context, args["productId"], "productId", "PRODUCT_DOES_NOT_EXIST")
    partial = bool(args.get("allowPartialUpdates"))
    variants, errors = catalog_bulk.update(context.state, product, args["variants"], partial)
    return {"product": product, "product_variants": variants, "user_errors": errors}


@mutation("productVariantsBulkDelete", SCOPE)
def _bulk_delete(context: Context, args: Args) -> Args:
    product = _existing(context, args["productId"], "productId", "PRODUCT_DOES_NOT_EXIST")
    catalog_bulk.delete(context.state, product, args["variantsIds"])
    return {"product": product}
