"""What the stand-in lets people and programs do, and what it does not (BELIEFS.md says why)."""

import asyncio
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from bridge.sandbox.ebay import build
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.sandbox.kit.platform import RefusedError
from bridge.sandbox.kit.transport import InProcess

STOCK, SALES = "/sell/inventory/v1", "/sell/fulfillment/v1"
SCOPE = "https://api.ebay.com/oauth/api_scope"


class Seller:
    """A seller and whoever asks with a token."""

    def __init__(self, **options: Any) -> None:
        self.loop = SimulatedLoop()
        made = build(now=self.loop.now, sleep=asyncio.sleep, rng=random.Random(1), host="https://ebay.test", **options)
        self.platform, self.shop = made, made.shop
        self.state = made.shop.state  # type: ignore[attr-defined]
        self.client = httpx.AsyncClient(transport=InProcess({"ebay.test": made.app}), base_url="https://ebay.test")
        self.token = ""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send one call with the token."""
        sent = {"authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.loop.run_until_complete(self.client.request(method, path, json=body, headers=sent))

    def grant(self, **form: str) -> httpx.Response:
        """Ask for a token."""
        known = self.platform.credentials
        basic = b64encode(f"{known['client_id']}:{known['client_secret']}".encode()).decode()
        data = {"grant_type": "refresh_token", "refresh_token": known["refresh_token"], **form}
        call = self.client.post("/identity/v1/oauth2/token", data=data, headers={"authorization": f"Basic {basic}"})
        answer = self.loop.run_until_complete(call)
        self.token = answer.json().get("access_token", "")
        return answer

    def seed(self, *skus: str, stock: int = 10) -> None:
        """Create listings."""
        self.shop.seed([{"title": sku, "variants": [{"sku": sku, "stock": stock, "price": "5.00"}]} for sku in skus])

    def status(self, sku: str) -> str:
        """Return how the listing of a SKU stands."""
        return str(self.state.offers_of(sku)[0]["listing"]["listingStatus"])


def _number(answer: httpx.Response) -> int:
    return int(answer.json()["errors"][0]["errorId"])


@pytest.fixture
def open_seller() -> Iterator[Callable[..., Seller]]:
    """Open sellers with options; each has a token."""
    made: list[Seller] = []

    def one(**options: Any) -> Seller:
        made.append(Seller(**options))
        made[-1].grant()
        return made[-1]

    yield one
    for seller in made:
        seller.loop.run_until_complete(seller.client.aclose())
        seller.loop.close()


@pytest.fixture
def seller(open_seller: Callable[..., Seller]) -> Seller:
    """A seller as they come."""
    return open_seller()


def test_scopes_may_be_narrowed_and_not_widened(seller: Seller) -> None:
    assert seller.grant(scope=f"{SCOPE}/sell.inventory").status_code == 200
    assert seller.ask("GET", f"{SALES}/order").status_code == 403
    refused = seller.grant(scope=f"{SCOPE}/buy.everything")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


def test_a_token_ends_and_a_strangers_is_none(seller: Seller) -> None:
    assert seller.ask("GET", f"{STOCK}/inventory_item").status_code == 200
    seller.loop.run_until_complete(asyncio.sleep(7200))
    assert _number(seller.ask("GET", f"{STOCK}/inventory_item")) == 1001
    assert seller.grant(refresh_token="another").json()["error"] == "invalid_grant"


def test_an_applications_token_sees_no_goods(seller: Seller) -> None:
    seller.grant(grant_type="client_credentials", scope=SCOPE)
    assert _number(seller.ask("GET", f"{STOCK}/inventory_item")) == 1100
    assert seller.ask("GET", "/commerce/notification/v1/topic").status_code == 200


def test_no_more_is_sold_than_is_left_and_a_listing_at_zero_stays(seller: Seller) -> None:
    seller.seed("TEE", stock=2)
    with pytest.raises(RefusedError, match="not as many"):
        seller.shop.sale([{"sku": "TEE", "quantity": 1}, {"sku": "TEE", "quantity": 2}])
    seller.shop.sale([{"sku": "TEE", "quantity": 2}])
    assert seller.status("TEE") == "OUT_OF_STOCK"
    seller.shop.count("TEE", 3)
    assert seller.status("TEE") == "ACTIVE"


def test_without_out_of_stock_control_it_ends_and_does_not_come_back(open_seller: Callable[..., Seller]) -> None:
    seller = open_seller(out_of_stock=False)
    seller.seed("TEE", stock=1)
    seller.shop.sale([{"sku": "TEE", "quantity": 1}])
    seller.shop.count("TEE", 3)
    assert seller.status("TEE") == "ENDED"
    with pytest.raises(RefusedError):
        seller.shop.sale([{"sku": "TEE", "quantity": 1}])


def test_the_smaller_of_item_and_offer_is_what_can_be_bought(seller: Seller) -> None:
    seller.seed("TEE", stock=10)
    seller.state.offers_of("TEE")[0]["availableQuantity"] = 2
    with pytest.raises(RefusedError):
        seller.shop.sale([{"sku": "TEE", "quantity": 3}])
    seller.shop.sale([{"sku": "TEE", "quantity": 2}])
    assert seller.state.offers_of("TEE")[0]["availableQuantity"] == 0
    assert seller.shop.stock() == {"TEE": {"": 8}}


def test_a_cancelled_order_gives_units_back_only_where_the_option_says_so(open_seller: Callable[..., Seller]) -> None:
    for option, left in ((False, 7), (True, 10)):
        seller = open_seller(cancel_restocks=option)
        seller.seed("TEE")
        seller.shop.cancel(seller.shop.sale([{"sku": "TEE", "quantity": 3}]))
        assert seller.shop.stock() == {"TEE": {"": left}}


def test_a_refund_is_pending_for_a_while(open_seller: Callable[..., Seller]) -> None:
    seller = open_seller(refund_seconds=60)
    seller.seed("TEE")
    made = seller.shop.sale([{"sku": "TEE", "quantity": 3}])
    seller.shop.refund(made, [{"sku": "TEE", "quantity": 1}])
    for wait, status in ((0, "PENDING"), (60, "REFUNDED")):
        seller.loop.run_until_complete(asyncio.sleep(wait))
        (refund,) = seller.ask("GET", f"{SALES}/order/{made}").json()["paymentSummary"]["refunds"]
        assert refund["refundStatus"] == status


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "number"),
    [
        ("PUT", f"{STOCK}/inventory_item/NEW", {}, {}, 400, 25709),
        ("PUT", f"{STOCK}/inventory_item/{'x' * 51}", {}, {"content_language": "en-US"}, 400, 25707),
        ("GET", f"{STOCK}/inventory_item?limit=201", None, {}, 400, 25706),
        ("GET", f"{STOCK}/inventory_item/nobody", None, {}, 404, 25702),
        ("GET", f"{STOCK}/offer", None, {}, 400, 25707),
        ("POST", f"{STOCK}/bulk_update_price_quantity", {"requests": [{"sku": "TEE"}, {"sku": "TEE"}]}, {}, 400, 25734),
        ("POST", f"{STOCK}/bulk_update_price_quantity", {"requests": []}, {}, 400, 25002),
        ("POST", f"{STOCK}/offer", {"sku": "nobody"}, {"content_language": "en-US"}, 400, 25702),
        ("GET", f"{SALES}/order?limit=201", None, {}, 400, 31100),
        ("GET", f"{SALES}/order?filter=lastmodifieddate:[yesterday..]", None, {}, 400, 30810),
        ("GET", f"{SALES}/order?filter=lastmodifieddate:[2031-01-01T00:00:00.000Z..]", None, {}, 400, 30850),
        ("GET", f"{SALES}/order/nobody", None, {}, 400, 32100),
        ("GET", "/sell/nowhere", None, {}, 404, 2002),
        ("DELETE", f"{SALES}/order", None, {}, 405, 2004),
    ],
)
def test_what_is_wrong_is_refused_by_its_number(
    seller: Seller, method: str, path: str, body: Any, headers: dict[str, str], status: int, number: int
) -> None:
    seller.seed("TEE")
    answer = seller.ask(method, path, body, **headers)
    assert (answer.status_code, _number(answer)) == (status, number)


def test_what_a_listing_lacks_is_told_when_it_is_published(seller: Seller) -> None:
    words = {"content_language": "en-US"}
    seller.ask("PUT", f"{STOCK}/inventory_item/NEW", {"product": {"title": "New"}}, **words)
    body = {"sku": "NEW", "marketplaceId": "EBAY_US", "format": "FIXED_PRICE"}
    offer = seller.ask("POST", f"{STOCK}/offer", body, **words).json()["offerId"]
    assert _number(seller.ask("POST", f"{STOCK}/offer/{offer}/publish")) == 25005
    assert seller.ask("POST", f"{STOCK}/offer", body, **words).status_code == 400, "one offer a SKU, site and format"


def test_a_sku_belongs_to_one_group(seller: Seller) -> None:
    seller.seed("TEE", "CAP")
    words = {"content_language": "en-US"}
    assert seller.ask("PUT", f"{STOCK}/inventory_item_group/one", {"variantSKUs": ["TEE"]}, **words).status_code == 201
    again = seller.ask("PUT", f"{STOCK}/inventory_item_group/two", {"variantSKUs": ["TEE", "CAP"]}, **words)
    assert _number(again) == 25703


def test_a_deleted_item_leaves_its_group_and_ends_its_listing(seller: Seller) -> None:
    seller.seed("TEE", "CAP")
    seller.ask("PUT", f"{STOCK}/inventory_item_group/one", {"variantSKUs": ["TEE", "CAP"]}, content_language="en-US")
    assert seller.ask("DELETE", f"{STOCK}/inventory_item/TEE").status_code == 204
    assert seller.ask("GET", f"{STOCK}/inventory_item_group/one").json()["variantSKUs"] == ["CAP"]
    assert [one["sku"] for one in seller.state.offers.values()] == ["CAP"]


def test_its_own_limit_bites(open_seller: Callable[..., Seller]) -> None:
    seller = open_seller(calls_per_second=2)
    answers = [seller.ask("GET", f"{STOCK}/inventory_item").status_code for _ in range(3)]
    assert answers == [200, 200, 429]


def test_the_door_lets_a_person_act(seller: Seller) -> None:
    seller.seed("TEE")
    sold = seller.ask("POST", "/__sandbox/sale", {"lines": [{"sku": "TEE", "quantity": 1}]})
    assert seller.ask("GET", "/__sandbox/orders").json()[0]["id"] == sold.json()["result"]
