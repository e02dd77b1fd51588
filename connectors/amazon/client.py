"""The Selling Partner API over HTTP: two kinds of access tokens, and a budget for every operation."""

from urllib.parse import quote

from bridge.wire.access import Access, TokenService
from bridge.wire.api import Answer, JsonApi, Params, given
from bridge.wire.http import Http, Request, Response, Surroundings
from bridge.wire.payload import text
from bridge.wire.settings import demand, demand_one_of
from bridge.wire.sqs import Queue, Sqs
from bridge.wire.tables import table
from connectors.amazon.judge import errors_of, is_stale, judge, judge_document, judge_token, said
from connectors.amazon.limits import LIMITS, MARKETPLACES
from connectors.amazon.settings import Settings

__all__ = ["Client"]

_OPERATIONS = table(__package__, "operations")
_SCOPE = "sellingpartnerapi::notifications"


class Client(JsonApi):
    """One seller's account in one marketplace. No call is signed: the access token is all (docs/connecting-to-the-sp-api)."""

    def __init__(self, settings: Settings, around: Surroundings, *, where: str) -> None:
        demand(settings, ("seller_id", "client_id", "client_secret", "refresh_token", "marketplace"), where)
        self.settings = settings
        self.market = settings.marketplace
        unknown = f"no marketplace {self.market!r} is known"
        demand_one_of("marketplace", self.market, dict.fromkeys(MARKETPLACES, ""), unknown, where)
        self.currency, self.warehouse = (MARKETPLACES[self.market][name] for name in ("currency", "warehouse"))
        self._budgets = {
            name: around.budget(capacity=how["burst"], per_second=how["per_second"])
            for name, how in _OPERATIONS.items()
        }
        secrets = (settings.client_secret, settings.refresh_token, settings.aws_secret_access_key)
        service = TokenService(
            around, where=where, url=settings.tokens, path=settings.tokens, judge=judge_token, secrets=secrets
        )
        app = {"client_id": settings.client_id, "client_secret": settings.client_secret}

        def granted(**form: str) -> Http:
            access = Access(service.tokens({**app, **form}), now=around.now, header="x-amz-access-token", scheme="")
            return service.pool(access, url=settings.url, judge=judge, limits=LIMITS, is_stale=is_stale)

        self._documents = Http(
            around, where=where, base_url=settings.url, budget=around.budget(), judge=judge_document, secrets=secrets
        )
        self._app = JsonApi(around, granted(grant_type="client_credentials", scope=_SCOPE))
        sqs = Sqs(
            address=settings.queue_url,
            key_id=settings.aws_access_key_id,
            secret=settings.aws_secret_access_key,
            given_region=settings.aws_region,
        )
        self.queue = Queue(sqs, around, where=where, extra="amazon") if settings.queue_url else None
        pools = [self._app.http, self._documents, service.http, *([self.queue.http] if self.queue else [])]
        super().__init__(around, granted(grant_type="refresh_token", refresh_token=settings.refresh_token), *pools)

    async def call(
        self,
        operation: str,
        op: str,
        *,
        params: Params = (),
        body: object = None,
        repeatable: bool = False,
        **names: str,
    ) -> Answer:
        """Make one call of an operation (operations.toml), within its rate; `names` are the parts of its path."""
        how = _OPERATIONS[operation]
        quoted = {name: quote(value, safe="") for name, value in names.items()}
        request = Request(
            method=how["method"],
            path=how["path"].format(seller=quote(self.settings.seller_id, safe=""), **quoted),
            op=op,
            params=params,
            repeatable=repeatable or how["method"] == "GET" or how.get("repeatable", False),
            budget=self._budgets[operation],
        )
        api = self._app if how.get("grantless") else self
        return await api.ask(request if body is None else request.with_json(body))

    async def submit(self, operation: str, op: str, sku: str, body: object, *, repeatable: bool = False) -> Response:
        """Write to a listing; raises Refused for what is not accepted. That it is accepted is no proof of anything (see `stock`)."""
        params = self.here()
        payload, response = await self.call(operation, op, params=params, body=body, repeatable=repeatable, sku=sku)
        if text(payload, "status") != "ACCEPTED":
            issue = next(iter(errors_of(payload)), {})
            step = "add the attribute it names to the channel's map, or mend the product, then `bridge retry`"
            self.refuse(f"{op}: {said(issue)}", step, text(issue, "code"))
        return response

    async def store(self, url: str, op: str, content: bytes | None = None, content_type: str = "") -> bytes:
        """Write a document to the address that Amazon gave for it, or read one; no token goes there."""
        headers = {"content-type": content_type} if content_type else {}
        method = "GET" if content is None else "PUT"
        request = Request(method=method, path=url, op=op, body=content, headers=headers, repeatable=True)
        return (await self._documents.send(request)).content

    def here(self, **asked: str) -> Params:
        """Return the parameters of a call about this marketplace; what is empty is not asked for."""
        return given(marketplaceIds=self.market, **asked)

    def shell(self) -> dict[str, object]:
        """Open Amazon's official client, authorised, for a Python prompt. The package `amzn-sp-api` is loaded only then."""
        from spapi import SPAPIClient, SPAPIConfig

        mine = self.settings
        config = SPAPIConfig(
            client_id=mine.client_id, client_secret=mine.client_secret, refresh_token=mine.refresh_token, region="NA"
        )
        client = SPAPIClient(config, oauth_endpoint=mine.tokens, endpoint=mine.url)
        return {"amazon": client.api_client, "seller_id": mine.seller_id, "marketplace": mine.marketplace}
