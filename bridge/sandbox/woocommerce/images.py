"""Product pictures: WordPress downloads what `src` names and keeps it under an address of its own."""

from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from bridge.sandbox.woocommerce import values
from bridge.sandbox.woocommerce.catalogue import Product
from bridge.sandbox.woocommerce.errors import RestError
from bridge.sandbox.woocommerce.site import Site

_KINDS = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"}


def take_images(site: Site, product: Product, params: dict[str, Any]) -> None:
    """Take `images` of a product (a list) or `image` of a variation over."""
    if product.is_variation:
        if "image" in params:
            row = params["image"]
            product.images = [_image(site, product, row)] if isinstance(row, dict) and row else []
    elif isinstance(params.get("images"), list):
        product.images = [_image(site, product, row) for row in params["images"] if isinstance(row, dict)]


def _image(site: Site, product: Product, row: dict[str, Any]) -> dict[str, Any]:
    held = next((image for image in product.images if image["id"] == row.get("id")), None)
    if held is None:
        held = _upload(site, str(row.get("src") or ""), values.php_int(row.get("id") or 0))
    texts = {name: str(row[name]) for name in ("name", "alt") if row.get(name) is not None}
    return {**held, **texts}


def _upload(site: Site, src: str, attachment: int) -> dict[str, Any]:
    path = PurePosixPath(urlsplit(src).path)
    if attachment and not src:
        raise RestError("woocommerce_product_invalid_image_id", f"#{attachment} is an invalid image ID.", 400)
    if path.suffix.lower() not in _KINDS:
        text = f"Error getting remote image {src}. Error: A valid URL was not provided."
        raise RestError("woocommerce_product_image_upload_error", text, 400)
    key, moment = site.next_post(), values.iso(site.clock())
    local = values.iso(site.clock() + site.offset)
    # A second upload of one file name gets a number; the id is unique and tells the same.
    kept = f"{site.host}/wp-content/uploads/{local[:4]}/{local[5:7]}/{path.stem}-{key}{path.suffix}"
    dates = {"date_created": local, "date_created_gmt": moment, "date_modified": local, "date_modified_gmt": moment}
    return {"id": key, **dates, "src": kept, "name": path.name, "alt": ""}
