"""Every answer of /api/v1 is as its document says: schemathesis makes up the calls, right ones and wrong ones."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.config._auth import AuthConfig
from schemathesis.core import NotSet
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from bridge.app import App
from bridge.app.serving import Once
from bridge.domain.ledger import Movement, stock
from bridge.engine.context import Rules
from bridge.engine.inbox import Inbox
from bridge.engine.reported import Sale
from bridge.rehearsal.world import build
from bridge.store import ledger, listings
from bridge.store.database import Database
from bridge.webserver import api
from bridge.webserver.api.document import openapi
from bridge.webserver.api.operation import KEY
from bridge.webserver.api.shapes import PLAIN
from bridge.webserver.web import Health, Web
from tests.webserver.api_house import loaded
from tests.webserver.loyal_house import ADA, CODE, LOYALTY, code, member

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
OPENED = datetime(2026, 1, 1, tzinfo=UTC)
BETWEEN = "2026-06-01T12:00:00Z"
KNOWN = "TEE/RED"
_ONE_SEED = SchemathesisConfig(
    seed=1,
    projects=ProjectsConfig(
        default=ProjectConfig(
            generation=GenerationConfig(deterministic=True, database="none", max_examples=40),
            auth=AuthConfig(openapi={"token": {"bearer": "till-secret"}}),
        )
    ),
)


@lru_cache(maxsize=1)
def _house() -> tuple[Starlette, dict[str, str]]:
    """An API that knows one SKU, one sale, one hold, one person and one code, made when the first call comes; and their names."""
    world = build(
        ("square",),
        database=Database(":memory:"),
        now=lambda: NOW,
        time=lambda: 0.0,
        seed=1,
        rules=Rules(loyalty=LOYALTY),
    )
    database, around = world.database, world.around
    database.write(_stocked)
    app = App(loaded(), database, surroundings=around, progress=lambda *_: None, warn=lambda _: None)
    app.live = world.context
    inbox = Inbox(database, {}, around.now, lambda _: None, threads=False)
    sale = Sale(id="S-1", revision=1, occurred_at=NOW, place="main", units={KNOWN: 1})
    app.serving.sell(Once(token="till", key="sale", digest=""), sale)
    hold = app.serving.make_hold(
        Once(token="till", key="hold", digest=""), KNOWN, 1, "main", NOW + timedelta(days=1), ""
    )
    names = {
        "sku": KNOWN,
        "channel": "api:till",
        "order_id": "S-1",
        "hold_id": str(msgspec.json.decode(hold.body)["id"]),
        **_loyal(app),
    }
    return Starlette(routes=api.routes(Web(app=app, inbox=inbox, health=Health, poke=lambda: None))), names


def _loyal(app: App) -> dict[str, str]:
    """Somebody with points for all the calls there are, a code without end, and a promise of one use of it."""
    assert app.live is not None
    member(app.live, 10**9)
    code(app.live, uses=None)
    once = Once(token="till", key="claim", digest="")
    claim = app.serving.loyal.claim(once, CODE, "square", timedelta(days=1))
    return {"person": ADA, "code": CODE, "claim_id": str(msgspec.json.decode(claim.body)["id"])}


async def _served(scope: Scope, receive: Receive, send: Send) -> None:
    await _house()[0](scope, receive, send)


def _stocked(connection: Any) -> None:
    listings.add_skus(connection, {KNOWN: "A red tee"}, OPENED)
    ledger.start(connection, [(stock(KNOWN, "main"), OPENED, "shop")])
    opening = Movement(
        counter=stock(KNOWN, "main"), delta=1_000_000, why="opening", unique="opening", channel="shop", source="opening",
        occurred_at=OPENED,
    )  # fmt: skip
    ledger.append(connection, [opening], OPENED)


document = schemathesis.openapi.from_dict(openapi(), config=_ONE_SEED)
document.app = _served
_fresh = itertools.count()


def _sometimes_known(value: Any) -> Any:
    """Have every other call name the SKU that is there, at a time that makes sense: the rest is not found."""
    if isinstance(value, list):
        return [_sometimes_known(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = {name: _sometimes_known(one) for name, one in value.items()}
    sku = named.get("sku")
    if isinstance(sku, str) and len(sku) <= 160 and re.search(PLAIN, sku):
        named["sku"] = KNOWN
        for name in ("counted_at", "occurred_at"):
            if isinstance(named.get(name), str) and re.match(r"\d{4}-\d\d-\d\dT", named[name]):
                named[name] = BETWEEN
        if isinstance(named.get("place"), str):
            named["place"] = "main"
    for name, known in (("channel", "square"), ("customer", ADA)):
        if isinstance(named.get(name), str):
            named[name] = known
    return named


@document.parametrize()
@settings(
    max_examples=40, derandomize=True, deadline=None, database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
def test_every_answer_is_as_the_document_says(case: schemathesis.Case[Any]) -> None:
    if next(_fresh) % 2:
        case.body = _sometimes_known(case.body)
        for name, value in case.path_parameters.items():
            # One that was made wrong on purpose stays wrong.
            if isinstance(value, str) and len(value) <= 255 and re.search(PLAIN, value):
                case.path_parameters[name] = _house()[1][name]
        if case.path == "/customers" and "email" in case.query:
            case.query = {"email": "ada@example.com"}
    if re.fullmatch(KEY, str(case.headers.get("Idempotency-Key", ""))):
        case.headers["Idempotency-Key"] = f"call-{next(_fresh)}"
    if isinstance(case.query.get("cursor"), str):
        case.query["cursor"] = ""  # cursors are ours to make up
    # That one of three is given, and that it is an address or a number at all, is more than a schema of parameters can say.
    unsaid: list[Any] = [positive_data_acceptance] if case.path == "/customers" else []
    # To leave out a body that need not be there is no violation, though it is made as one.
    unsaid += [negative_data_rejection] if isinstance(case.body, NotSet) and case.path.endswith("/capture") else []
    case.call_and_validate(excluded_checks=unsaid)
