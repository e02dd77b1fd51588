"""The README says what the program does: commands, matrix, and the two commands a stranger copies."""

import random
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bridge.cli.group import COMMANDS
from bridge.contract.ports import Connector
from bridge.sandbox.kit.loop import SimulatedLoop
from bridge.wire.http import Surroundings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = {
    "woocommerce": {"url": "https://shop.example", "consumer_key": "ck_x", "consumer_secret": "cs_x"},
    "shopify": {"shop": "x.myshopify.com", "access_token": "shpat_x"},
    "square": {"access_token": "x"},
    "ebay": {"client_id": "x", "client_secret": "x", "refresh_token": "x"},
    "etsy": {"keystring": "x", "shared_secret": "x", "refresh_token": "x", "webhook_secret": "whsec_eA=="},
    "meta": {"access_token": "x", "catalog_id": "1"},
    "amazon": {"seller_id": "A1", "client_id": "x", "client_secret": "x", "refresh_token": "x"},
    "pinterest": {
        "app_id": "1",
        "app_secret": "x",
        "refresh_token": "x",
        "country": "US",
        "language": "en-US",
        "catalog_id": "1",
    },
    "google": {
        "account": "1",
        "data_source": "2",
        "service_account": '{"client_email": "a@b.example", "private_key": "x"}',
    },
}


def connector(platform: str) -> Connector:
    loop = SimulatedLoop()
    around = Surroundings(now=loop.now, time=loop.time, sleep=_never, rng=random.Random(0))
    module: Any = import_module(f"connectors.{platform}")
    made: Connector = module.connect(module.Settings(**SETTINGS[platform]), around, where=platform)
    loop.close()
    return made


async def _never(seconds: float) -> None:
    raise AssertionError(f"nothing is called here, so nobody waits {seconds} s")


def matrix() -> str:
    """The README's table, made from the ports and limits of the connectors."""
    made = {platform: connector(platform) for platform in SETTINGS}
    rows: list[tuple[str, Callable[[Connector], str]]] = [
        ("read products and stock", lambda one: "yes"),
        ("orders are placed there", lambda one: "yes" if one.orders else "no: it shows"),
        ("a write is carried out", lambda one: "later: asked for by ticket" if one.tickets else "at once"),
        ("stock is written as", lambda one: one.limits.stock_write),
        ("stock rows a call", lambda one: str(one.limits.stock_batch)),
        ("checks the number before a write", lambda one: "yes" if one.limits.compare_and_set else "no"),
        ("a lost write may be sent again", lambda one: "yes, by key" if one.limits.keyed else "no: read back"),
        ("names who changed a number", lambda one: "yes" if one.limits.names_causes else "no"),
        ("write products", lambda one: "yes" if one.products else "no"),
        ("tells us by webhook", lambda one: f"{len(one.webhooks.topics)} topics" if one.webhooks else "no"),
        ("shows customers their points", lambda one: "yes" if one.points else "no"),
        ("takes codes at checkout", _codes),
        ("orders written there", lambda one: ", ".join(sorted(one.limits.order_actions)) if one.order_writer else "no"),
    ]
    lines = [f"| | {' | '.join(made)} |", f"|---|{'---|' * len(made)}"]
    lines += [f"| {name} | {' | '.join(cell(one) for one in made.values())} |" for name, cell in rows]
    return "\n".join(lines)


def _codes(one: Connector) -> str:
    if one.coupons is None:
        return "no: claimed" if one.customers else "no"
    return f"yes, {one.limits.coupon_batch} written a call"


def test_the_matrix_is_made_from_the_connectors() -> None:
    found = re.search(r"<!-- matrix:[^>]*-->\n(.*?)\n?<!-- /matrix -->", README, re.DOTALL)
    assert found is not None
    assert found.group(1) == matrix(), f"put this between the matrix marks of README.md:\n{matrix()}"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_table(name: str) -> None:
    assert f"| `bridge {name}` |" in README


def test_no_command_is_invented() -> None:
    told = set(re.findall(r"^\| `bridge (\w+)` \|", README, re.MULTILINE))
    assert told == set(COMMANDS)


@pytest.mark.parametrize("ending", [".venv/bin/bridge demo", ".venv/bin/pytest -q -n 2"])
def test_there_is_one_command_to_set_up_and_run_and_one_to_set_up_and_test(ending: str) -> None:
    lines = [line for line in README.splitlines() if line.startswith("python3.11 -m venv") and line.endswith(ending)]
    assert len(lines) == 1


def test_every_file_the_readme_points_to_exists() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
