"""The REST errors of WordPress and WooCommerce: one exception that carries code, message, status and extra data."""

from typing import Any


class RestError(Exception):
    """A `WP_Error` on its way to the client; `data` replaces the usual `{"status": ...}` where the platform breaks its own rule."""

    def __init__(self, code: str, message: str, status: int = 400, *, data: Any = None, **extra: Any) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.data = {"status": status, **extra} if data is None else data

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer; the same three keys stand inside a batch item's `error`."""
        return {"code": self.code, "message": self.message, "data": self.data}


def no_route() -> RestError:
    """The path or the method on it is unknown; WordPress answers 404 for both."""
    return RestError("rest_no_route", "No route was found matching the URL and request method.", 404)


def invalid_product(status: int = 404) -> RestError:
    """No such product; a PUT on it is a 400."""
    return RestError("woocommerce_rest_product_invalid_id", "Invalid ID.", status)


def invalid_variation() -> RestError:
    """No such variation below this parent, for reads and writes alike."""
    return RestError("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", 404)


def invalid_order(status: int = 404, *, message: str = "Invalid ID.") -> RestError:
    """No such order; a PUT on it is a 400 (whose text changed between 9.9.5 and 11.0.1)."""
    return RestError("woocommerce_rest_shop_order_invalid_id", message, status)


def variation_through_products() -> RestError:
    """A variation can be read but not written through /products."""
    text = "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
    return RestError("woocommerce_rest_invalid_product_id", text, 404)


def duplicate_sku(owner: int, suggestion: str) -> RestError:
    """A live product or variation holds the SKU, in whatever case."""
    return RestError("product_invalid_sku", "Invalid or duplicated SKU.", resource_id=owner, unique_sku=suggestion)


def sku_of_trashed(sku: str) -> RestError:
    """The SKU is still held by a product in the trash."""
    text = f"The product with SKU ({sku}) you are trying to insert is already present in the lookup table"
    return RestError("woocommerce_rest_product_not_created", text)


def duplicate_gtin(owner: int) -> RestError:
    """Another product holds this GTIN, UPC, EAN or ISBN."""
    text = "Invalid or duplicated GTIN, UPC, EAN or ISBN."
    return RestError("product_invalid_global_unique_id", text, resource_id=owner)


def already_trashed(kind: str) -> RestError:
    """DELETE without force on something that is in the trash."""
    return RestError("woocommerce_rest_already_trashed", f"The {kind} has already been deleted.", 410)


def too_many_items() -> RestError:
    """More than 100 items in one batch; nothing of it is done."""
    text = "Unable to accept more than 100 items for this request."
    return RestError("woocommerce_rest_request_entity_too_large", text, 413)


def refund_failed(message: str) -> RestError:
    """A refund that cannot be made is a 500 whose `data` is the bare number."""
    return RestError("woocommerce_rest_cannot_create_order_refund", message, 500, data=500)


_DENIED = {
    "list": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "view": ("woocommerce_rest_cannot_view", "Sorry, you cannot view this resource."),
    "create": ("woocommerce_rest_cannot_create", "Sorry, you are not allowed to create resources."),
    "edit": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "delete": ("woocommerce_rest_cannot_delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."),
}


def denied(action: str, *, known_user: bool) -> RestError:
    """No rights: 401 for a stranger, 403 for a user who is known but may not."""
    code, message = _DENIED[action]
    return RestError(code, message, 403 if known_user else 401)
