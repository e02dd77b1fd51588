"""The vendors' own clients, unchanged, against the surfaces' stand-ins on a real socket.

facebook-business is pointed at loopback by its session's GRAPH, google-api-python-client by the root address of the discovery
document that lies in the package. Each is skipped, saying so, where it is not installed. pinterest-api-sdk 0.2.7 cannot be used: its
catalogue module does not import (it names a model `unknownbasetype` that the package lacks).
"""

import gc
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.sandbox.surface_server import served

# Both clients leave sockets to the collector, and Meta's warns where a parameter is JSON already, as its own examples have it.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:value of .* might not be compatible"),
]


@pytest.fixture
def meta() -> Iterator[SimpleNamespace]:
    pytest.importorskip("facebook_business", reason="facebook-business is not installed (extra dev)")
    with served("meta", seconds=0.0) as surface:
        from facebook_business.adobjects.productcatalog import ProductCatalog
        from facebook_business.api import FacebookAdsApi
        from facebook_business.session import FacebookSession

        known = surface.credentials
        session = FacebookSession(app_secret=known["app_secret"], access_token=known["access_token"])
        session.GRAPH = surface.url
        surface.catalog = ProductCatalog(known["catalog_id"], api=FacebookAdsApi(session))
        yield surface
        session.requests.close()
    # Sockets that were left are to be found here, and not in the middle of another test.
    gc.collect()


def test_metas_client_writes_a_batch_and_reads_its_results(meta: SimpleNamespace) -> None:
    data = {"id": "TEE", "quantity_to_sell_on_facebook": 0, "availability": "out of stock"}
    requests = [{"method": "UPDATE", "data": data}, {"method": "UPDATE", "data": {**data, "id": "GHOST"}}]
    answer = meta.catalog.create_items_batch(
        params={"item_type": "PRODUCT_ITEM", "allow_upsert": False, "requests": json.dumps(requests)}
    )
    handle = answer.export_all_data()["handles"][0]
    fields = ["handle", "status", "errors", "ids_of_invalid_requests"]
    (status,) = meta.catalog.get_check_batch_request_status(
        fields=fields, params={"handle": handle, "load_ids_of_invalid_requests": True}
    )
    assert status["status"] == "finished"
    assert status["ids_of_invalid_requests"] == ["GHOST"]
    assert meta.shop.stock() == {"TEE": {"catalog": 0}}


def test_metas_client_pages_through_the_products_and_filters_them(meta: SimpleNamespace) -> None:
    rows = [{"title": f"P{n}", "variants": [{"sku": f"SKU-{n}", "price": "1.00", "stock": n}]} for n in range(30)]
    meta.shop.seed(rows)
    fields = ["retailer_id", "availability", "quantity_to_sell_on_facebook", "price"]
    found = list(meta.catalog.get_products(fields=fields, params={"limit": 10}))
    assert len({one["retailer_id"] for one in found}) == 31
    rule = json.dumps({"retailer_id": {"is_any": ["SKU-7"]}})
    (one,) = meta.catalog.get_products(fields=fields, params={"filter": rule})
    assert (one["quantity_to_sell_on_facebook"], one["price"]) == (7, "$1.00")


def test_metas_client_understands_the_error_of_a_token(meta: SimpleNamespace) -> None:
    from facebook_business.exceptions import FacebookRequestError

    meta.shop.revoke()
    with pytest.raises(FacebookRequestError) as caught:
        meta.catalog.api_get(fields=["name"])
    assert (caught.value.api_error_code(), caught.value.api_error_subcode()) == (190, 460)


@pytest.fixture
def google() -> Iterator[SimpleNamespace]:
    pytest.importorskip("googleapiclient", reason="google-api-python-client is not installed (extra dev)")
    from google.oauth2 import service_account
    from googleapiclient.discovery import build_from_document
    from googleapiclient.discovery_cache import get_static_doc

    with served("google", stores=("MAIN",)) as surface:
        key = json.loads(surface.credentials["service_account"])
        scopes = ["https://www.googleapis.com/auth/content"]
        credentials = service_account.Credentials.from_service_account_info(key, scopes=scopes)
        for name in ("products", "inventories"):
            document = json.loads(get_static_doc("merchantapi", f"{name}_v1"))
            document |= {"rootUrl": f"{surface.url}/", "batchPath": f"batch/{name}/v1"}
            document.pop("mtlsRootUrl", None)
            setattr(surface, name, build_from_document(document, credentials=credentials))
        surface.account = f"accounts/{surface.credentials['account']}"
        surface.source = f"{surface.account}/dataSources/{surface.credentials['data_source']}"
        yield surface
        surface.products.close()
        surface.inventories.close()
    gc.collect()


def test_googles_client_reads_patches_and_inserts(google: SimpleNamespace) -> None:
    products = google.products.accounts().products()
    (tee,) = products.list(parent=google.account).execute()["products"]
    assert tee["productAttributes"]["price"] == {"amountMicros": "12500000", "currencyCode": "USD"}
    patch = google.products.accounts().productInputs().patch(
        name=f"{google.account}/productInputs/en~US~TEE", dataSource=google.source,
        updateMask="productAttributes.availability", body={"productAttributes": {"availability": "OUT_OF_STOCK"}},
    )  # fmt: skip
    assert patch.execute()["offerId"] == "TEE"
    now = products.get(name=f"{google.account}/products/en~US~TEE").execute()
    assert now["productAttributes"]["availability"] == "OUT_OF_STOCK"
    google.inventories.accounts().products().localInventories().insert(
        parent=f"{google.account}/products/en~US~TEE",
        body={"storeCode": "MAIN", "localInventoryAttributes": {"availability": "IN_STOCK", "quantity": "4"}},
    ).execute()
    assert google.shop.stock()["TEE"]["MAIN"] == 4


def test_googles_client_sends_many_calls_in_one(google: SimpleNamespace) -> None:
    found: dict[str, Any] = {}
    products = google.products.accounts().products()
    batch = google.products.new_batch_http_request(
        callback=lambda name, answer, error: found.update({name: answer or error})
    )
    for name in ("TEE", "GHOST"):
        batch.add(products.get(name=f"{google.account}/products/en~US~{name}"), request_id=name)
    batch.execute()
    assert found["TEE"]["offerId"] == "TEE"
    assert found["GHOST"].resp.status == 404


def test_googles_client_understands_an_old_version(google: SimpleNamespace) -> None:
    from googleapiclient.errors import HttpError

    attributes = {
        "title": "Cap", "link": "https://x.example", "imageLink": "https://x.example/1.jpg", "availability": "IN_STOCK",
        "price": {"amountMicros": "5000000", "currencyCode": "USD"},
    }  # fmt: skip
    body = {"offerId": "CAP", "contentLanguage": "en", "feedLabel": "US", "productAttributes": attributes}
    inputs = google.products.accounts().productInputs()
    inputs.insert(parent=google.account, dataSource=google.source, body={**body, "versionNumber": "7"}).execute()
    with pytest.raises(HttpError) as caught:
        inputs.insert(parent=google.account, dataSource=google.source, body={**body, "versionNumber": "6"}).execute()
    assert caught.value.resp.status == 409
