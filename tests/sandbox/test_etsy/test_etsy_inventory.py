"""Inventories: what may be put, what it does to the listing, and what it costs."""

import copy
from types import SimpleNamespace
from typing import Any

import pytest

from tests.sandbox.test_etsy.conftest import Open

Json = dict[str, Any]


def _body(shop: SimpleNamespace, listing: str) -> Json:
    told = shop.ask("GET", f"/listings/{listing}/inventory").json()
    names = ("property_id", "value_ids", "scale_id", "property_name", "values")
    products = []
    for one in told["products"]:
        (known,) = one["offerings"]
        offering = {"price": known["price"]["amount"] / 100, "quantity": known["quantity"], "is_enabled": True}
        offering["readiness_state_id"] = known["readiness_state_id"] or 700_001
        values = [{name: value[name] for name in names} for value in one["property_values"]]
        products.append({"sku": one["sku"], "property_values": values, "offerings": [offering]})
    return {"products": products, **{name: told[name] for name in told if name.endswith("_on_property")}}


def _put(shop: SimpleNamespace, listing: str, body: Json) -> Any:
    return shop.ask("PUT", f"/listings/{listing}/inventory", json=body)


def test_what_is_put_is_what_is_there_under_new_ids(shop: SimpleNamespace) -> None:
    before = shop.ask("GET", f"/listings/{shop.listing}/inventory").json()["products"]
    body = _body(shop, shop.listing)
    body["products"][1]["offerings"][0]["quantity"] = 9
    answer = _put(shop, shop.listing, body).json()["products"]
    assert [one["offerings"][0]["quantity"] for one in answer] == [4, 9, 4]
    assert not {one["product_id"] for one in before} & {one["product_id"] for one in answer}
    assert answer == shop.ask("GET", f"/listings/{shop.listing}/inventory").json()["products"]


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ("product", "product_id", 1), ("product", "is_deleted", False), ("offering", "offering_id", 1),
        ("offering", "price", {"amount": 900, "divisor": 100}), ("offering", "quantity", 1000),
        ("offering", "quantity", -1), ("offering", "readiness_state_id", None), ("value", "scale_name", None),
        ("value", "values", ["a (b)"]),
    ],
)  # fmt: skip
def test_what_may_not_be_sent_is_refused_and_changes_nothing(
    shop: SimpleNamespace, where: str, name: str, value: Any
) -> None:
    before, body = _body(shop, shop.listing), _body(shop, shop.listing)
    product = body["products"][0]
    parts = {"product": product, "offering": product["offerings"][0], "value": product["property_values"][0]}
    parts[where][name] = value
    assert _put(shop, shop.listing, body).status_code == 400
    assert _body(shop, shop.listing) == before


@pytest.mark.parametrize("name", ["price", "quantity", "is_enabled", "readiness_state_id"])
def test_an_offering_lacks_nothing(shop: SimpleNamespace, name: str) -> None:
    body = _body(shop, shop.listing)
    del body["products"][0]["offerings"][0][name]
    answer = _put(shop, shop.listing, body)
    assert (answer.status_code, name in answer.json()["error"]) == (400, True)


def test_numbers_that_contradict_their_properties_are_refused(shop: SimpleNamespace) -> None:
    body = _body(shop, shop.listing) | {"quantity_on_property": []}
    assert _put(shop, shop.listing, body).status_code == 200
    other = copy.deepcopy(body)
    other["products"][0]["offerings"][0]["quantity"] = 5
    assert "quantity_on_property" in _put(shop, shop.listing, other).json()["error"]


@pytest.mark.parametrize(("refused", "status", "state"), [(True, 400, "active"), (False, 200, "sold_out")])
def test_an_inventory_of_nothing(open_shop: Open, refused: bool, status: int, state: str) -> None:
    shop = open_shop(zero_refused=refused)
    listing = shop.people.seed([{"title": "Cap", "variants": [{"sku": "CAP", "price": "5.00", "stock": 3}]}])[0][
        "product"
    ]
    body = _body(shop, listing)
    body["products"][0]["offerings"][0]["quantity"] = 0
    assert _put(shop, listing, body).status_code == status
    assert shop.people.state_of("CAP") == state


@pytest.mark.parametrize(("renews", "state", "fees"), [(False, "sold_out", 0), (True, "active", 1)])
def test_units_for_a_sold_out_listing(open_shop: Open, renews: bool, state: str, fees: int) -> None:
    shop = open_shop(put_renews=renews)
    listing = shop.people.seed([{"title": "Cap", "variants": [{"sku": "CAP", "price": "5.00", "stock": 1}]}])[0][
        "product"
    ]
    shop.people.sale([{"sku": "CAP", "quantity": 1}])
    body = _body(shop, listing)
    body["products"][0]["offerings"][0]["quantity"] = 4
    assert _put(shop, listing, body).status_code == 200
    assert (shop.people.state_of("CAP"), len(shop.people.fees)) == (state, fees)


def test_renewing_a_sold_out_listing_sets_it_to_one(open_shop: Open) -> None:
    shop = open_shop()
    listing = shop.people.seed([{"title": "Cap", "variants": [{"sku": "CAP", "price": "5.00", "stock": 1}]}])[0][
        "product"
    ]
    shop.people.sale([{"sku": "CAP", "quantity": 1}])
    assert shop.ask("PATCH", f"/shops/44001/listings/{listing}", data={"state": "inactive"}).status_code == 400
    answer = shop.ask("PATCH", f"/shops/44001/listings/{listing}", data={"state": "active"}).json()
    assert (answer["state"], answer["quantity"], len(shop.people.fees)) == ("active", 1, 1)


def test_a_batch_with_one_unknown_is_not_found(shop: SimpleNamespace) -> None:
    assert shop.ask("GET", f"/listings/batch/inventory?listing_ids={shop.listing}").json()["count"] == 1
    assert shop.ask("GET", f"/listings/batch/inventory?listing_ids={shop.listing},1").status_code == 404
