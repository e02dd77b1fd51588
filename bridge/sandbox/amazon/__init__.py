"""A stateful stand-in for Amazon's Selling Partner API, its token service, file store and an SQS queue. What it believes: BELIEFS.md."""

import random
from typing import Any

from bridge.sandbox.amazon.api import Api
from bridge.sandbox.amazon.routes import OPERATIONS
from bridge.sandbox.amazon.seller import Seller
from bridge.sandbox.amazon.shop import AmazonShop
from bridge.sandbox.amazon.signature import KEY_ID, SECRET
from bridge.sandbox.amazon.state import RESTRICTED, Options, State
from bridge.sandbox.kit.control import WithDoor, door
from bridge.sandbox.kit.courier import Courier
from bridge.sandbox.kit.faults import Faults, FaultyApp
from bridge.sandbox.kit.platform import Now, Platform, Sleep

__all__ = ["build"]


def build(*, now: Now, sleep: Sleep, rng: random.Random, host: str, **options: Any) -> Platform:
    """Make an empty seller account; `options` are the fields of `state.Options`. Notifications lie in its queue: the courier idles."""
    state = State(now, host.rstrip("/"), Options(**options))
    seller = Seller(state, sleep)
    shop = AmazonShop(seller)
    faults = Faults(rng, sleep)
    api = Api(seller, OPERATIONS, now)
    credentials = _credentials(seller)
    app = WithDoor(FaultyApp(api, faults, api.throttle), door("amazon", shop, faults, credentials))
    return Platform("amazon", app, shop, faults, credentials, Courier.beside(sleep, rng))


def _credentials(seller: Seller) -> dict[str, str]:
    options = seller.state.options
    known = {
        "seller_id": options.seller_id, "client_id": options.client_id, "client_secret": options.client_secret,
        "refresh_token": options.refresh_token, "restricted_refresh_token": RESTRICTED, "marketplace": options.marketplace,
    }  # fmt: skip
    queue = {
        "queue_url": f"{seller.state.host}/__sqs{seller.queue.path}", "aws_access_key_id": KEY_ID,
        "aws_secret_access_key": SECRET, "aws_region": "us-east-1",
    }  # fmt: skip
    more = {"fba": "true"} if options.fba else {}
    return known | more | (queue if options.queue else {})
