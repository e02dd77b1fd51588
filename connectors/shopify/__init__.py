"""Shopify, over the Admin GraphQL API."""

from dataclasses import replace
from datetime import timedelta

from bridge.contract.errors import NeedsPerson
from bridge.contract.ports import Connector
from bridge.wire.budget import Budget
from bridge.wire.http import Http, Request, Surroundings
from bridge.wire.tokens import Token, Tokens
from connectors.shopify.account import Account
from connectors.shopify.catalog import Catalog
from connectors.shopify.coupons import Coupons
from connectors.shopify.customers import Customers
from connectors.shopify.judge import Judge, judge_token
from connectors.shopify.limits import BUCKET, CONCURRENCY, LIMITS, RESTORE
from connectors.shopify.order_writer import Writer
from connectors.shopify.orders import Orders
from connectors.shopify.points import Points
from connectors.shopify.products import Products
from connectors.shopify.settings import Settings
from connectors.shopify.shell import open_shell
from connectors.shopify.shop import Shop
from connectors.shopify.stock import Stock
from connectors.shopify.webhooks import Webhooks

__all__ = ["LIMITS", "Settings", "connect"]


def connect(settings: Settings, around: Surroundings, *, where: str) -> Connector:
    """Open one shop. Nothing is sent yet; raises NeedsPerson when the settings cannot work."""
    _check(settings, where)
    access = _Access(settings, around, where)
    budget = Budget(capacity=BUCKET, per_second=RESTORE, time=around.time, sleep=around.sleep)
    http = Http(
        around, where=where, base_url=settings.base_url, budget=budget, concurrency=CONCURRENCY, sign=access.sign,
        judge=Judge(budget), refresh=access.renew, secrets=(settings.access_token, *settings.signing),
    )  # fmt: skip
    access.redacting = http
    shop = Shop(http)
    catalog, orders = Catalog(shop), Orders(shop)

    async def close() -> None:
        await http.aclose()
        await access.http.aclose()

    return Connector(  # noqa: S604 - `shell` is a Python prompt here, no command shell
        platform="shopify", limits=LIMITS, account=Account(shop, settings, around), catalog=catalog,
        stock=Stock(shop), orders=orders, close=close, calls=lambda: http.calls + access.http.calls,
        products=Products(shop, catalog), order_writer=Writer(shop, orders, settings),
        webhooks=Webhooks(shop, settings),
        customers=Customers(shop), points=Points(shop), coupons=Coupons(shop),
        shell=lambda: open_shell(settings),
    )  # fmt: skip


class _Access:
    """The token: a static one, or one of the client-credentials grant, which lives 24 hours."""

    def __init__(self, settings: Settings, around: Surroundings, where: str) -> None:
        self._settings = settings
        self._around = around
        self._given = ""
        self._tokens = Tokens(self._fetch, now=around.now)
        self.redacting: Http | None = None
        self.http = Http(
            around, where=where, base_url=settings.base_url, judge=judge_token, secrets=(settings.client_secret,),
            budget=Budget(capacity=1, per_second=0, time=around.time, sleep=around.sleep),
        )  # fmt: skip

    async def sign(self, request: Request) -> Request:
        self._given = self._settings.access_token or await self._tokens.get()
        return replace(request, headers={**request.headers, "x-shopify-access-token": self._given})

    async def renew(self) -> bool:
        """Drop the token that was refused; a static one cannot be renewed."""
        if self._settings.access_token:
            return False
        self._tokens.spoil(self._given)
        return True

    async def _fetch(self) -> Token:
        request = Request(method="POST", path="admin/oauth/access_token", op="ask for a token", repeatable=True)
        response = await self.http.send(
            request.with_json({
                "client_id": self._settings.client_id, "client_secret": self._settings.client_secret,
                "grant_type": "client_credentials",
            })
        )  # fmt: skip
        granted = response.json()
        token = str(granted["access_token"])
        if self.redacting:
            self.redacting.redact.add(token)
        lives = granted.get("expires_in")
        return Token(token, response.at + timedelta(seconds=lives) if lives else None)


def _check(settings: Settings, where: str) -> None:
    if not settings.domain and not settings.url:
        raise NeedsPerson("no shop is named", where=where, next_step="set `shop` to my-shop.myshopify.com")
    if not settings.access_token and not (settings.client_id and settings.client_secret):
        raise NeedsPerson(
            "there is neither a token nor an app's id and secret",
            where=where,
            next_step="set `access_token`, or `client_id` and `client_secret`",
        )
