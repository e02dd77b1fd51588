"""Honesty: the connectors are what the name map says, and no contract test is quietly left out."""

import ast
import importlib
import pkgutil
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import connectors
from bridge.contract.limits import Limits
from bridge.contract.ports import OrderWriter
from bridge.sandbox import STAND_INS
from bridge.sandbox.kit.control import VERBS
from bridge.sandbox.kit.platform import RefusedError
from tests.contract.bench import Bench, good
from tests.contract.facts import FACTS, Facts
from tests.contract.selection import NOT_ASKED, PORTS, WORDS

pytestmark = pytest.mark.anyio

ACTIONS = {name for name in vars(OrderWriter) if not name.startswith("_")} - {"find"}


def test_every_connector_package_is_under_contract() -> None:
    packages = {found.name for found in pkgutil.iter_modules(connectors.__path__) if found.ispkg}
    assert packages == set(FACTS)


async def test_what_it_offers_is_what_the_map_promises(bench: Bench) -> None:
    assert bench.connector.offers == bench.facts.offers
    assert bench.connector.platform == bench.name


async def test_what_it_offers_follows_from_its_ports(bench: Bench) -> None:
    for port in bench.connector.offers:
        assert getattr(bench.connector, port) is not None


async def test_the_limits_it_exports_are_the_limits_it_has(bench: Bench, module: Any) -> None:
    assert bench.limits == module.LIMITS


async def test_its_limits_do_not_contradict_each_other(bench: Bench) -> None:
    limits = bench.limits
    assert limits.stock_min <= 0 < limits.stock_max
    assert min(limits.stock_batch, limits.read_batch, limits.product_batch, limits.concurrency) >= 1
    assert limits.keyed == (limits.key_hours > 0), "a key that is not remembered is no key"
    assert limits.stock_in_catalog == (bench.connector.stock.changes is None)
    assert bool(limits.ticket_hours) == (bench.connector.tickets is not None), "a ticket is asked for some time"
    assert limits.stock_write == "delta" or not limits.compare_and_set, "an absolute write compares nothing"


async def test_a_queue_or_a_handshake_stands_beside_webhooks(bench: Bench) -> None:
    beside = {"queue", "handshake"} & set(bench.connector.offers)
    assert not beside or "webhooks" in bench.connector.offers
    assert "preview" not in bench.connector.offers or "products" in bench.connector.offers


async def test_where_nothing_is_sold_there_are_no_orders(bench: Bench) -> None:
    sells = STAND_INS[bench.name].sells
    assert sells == (bench.connector.orders is not None)
    if not sells:
        await bench.seed(good("TEE"))
        with pytest.raises(RefusedError):
            bench.shop.sale([{"sku": "TEE", "quantity": 1}])
        assert bench.connector.order_writer is None


async def test_its_order_actions_are_actions_of_the_port(bench: Bench) -> None:
    assert bench.limits.order_actions <= ACTIONS
    assert bool(bench.limits.order_actions) == ("order_writer" in bench.connector.offers)


def test_its_package_exports_the_three_names(module: Any) -> None:
    assert set(module.__all__) == {"LIMITS", "Settings", "connect"}
    assert isinstance(module.LIMITS, Limits)


async def test_its_stand_in_has_every_verb(bench: Bench) -> None:
    assert [verb for verb in (*VERBS, "stock", "orders") if not callable(getattr(bench.shop, verb, None))] == []


async def test_nothing_is_called_before_it_is_asked(bench: Bench) -> None:
    assert bench.wire.calls == []


async def test_it_counts_every_call_it_sends(bench: Bench) -> None:
    assert bench.connector.calls() == 0
    await bench.connector.account.check()
    assert bench.connector.calls() == sum(bench.platform.faults.calls.values()) > 0


async def test_its_prompt_is_offered_without_a_call(bench: Bench) -> None:
    assert bench.connector.shell is None or callable(bench.connector.shell)
    assert bench.wire.calls == []


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("test_*.py")), ids=lambda path: path.stem)
def test_no_test_is_left_out_without_a_reason(path: Path) -> None:
    for call in _leaving_out(ast.parse(path.read_text())):
        reasons = [*call.args, *(word.value for word in call.keywords if word.arg == "reason")]
        texts = [one.value for one in reasons if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        assert any(len(text) > 20 for text in texts), f"{path.name}:{call.lineno} leaves a test out and says not why"
        strict = [word.value for word in call.keywords if word.arg == "strict"]
        if "xfail" in ast.unparse(call.func):
            assert [ast.unparse(one) for one in strict] == ["True"], f"{path.name}:{call.lineno}: xfail must be strict"


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("test_*.py")), ids=lambda path: path.stem)
def test_every_mark_names_a_port_or_a_fact(path: Path) -> None:
    ports = {port for facts in FACTS.values() for port in facts.offers} | set(PORTS)
    known = {"offers": ports, "where": WORDS | {f"not {word}" for word in WORDS}}
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        mark = ast.unparse(call.func).removeprefix("pytest.mark.")
        if mark in known:
            (word,) = (one.value for one in call.args if isinstance(one, ast.Constant))
            assert word in known[mark], f"{path.name}:{call.lineno}"


def test_every_fact_that_leaves_tests_out_is_explained() -> None:
    words = {field.name for field in fields(Facts)} - set(NOT_ASKED)
    assert [word for word in sorted(words) if not re.search(rf"\b{word}\b", Facts.__doc__ or "")] == []


def test_what_a_platform_has_otherwise_has_its_reason_beside_it(name: str) -> None:
    """A fact that differs from a shop's leaves tests out, or lets them ask for less: the line above it says why."""
    path = Path(__file__).parent / "facts" / f"{name}.py"
    lines = path.read_text().splitlines()
    usual = {field.name: field.default for field in fields(Facts) if isinstance(field.default, bool)}
    call = next(
        node for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Facts"
    )  # fmt: skip
    bare = [
        word.arg for word in call.keywords
        if word.arg in usual and getattr(FACTS[name], word.arg) != usual[word.arg] and not _reasoned(lines, word)
    ]  # fmt: skip
    assert bare == []


def _reasoned(lines: list[str], word: ast.keyword) -> bool:
    """Tell whether a comment stands behind a keyword, or above it and at most two more that share it."""
    above = lines[max(0, word.lineno - 4) : word.lineno - 1]
    return "#" in lines[word.lineno - 1] or any(line.strip().startswith("#") for line in above)


def _leaving_out(tree: ast.AST) -> list[ast.Call]:
    names = (
        "pytest.skip",
        "pytest.xfail",
        "pytest.mark.skip",
        "pytest.mark.skipif",
        "pytest.mark.xfail",
        "importorskip",
    )
    bare = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(names)]
    assert len(calls) == sum(one in names for one in bare), "a bare pytest.mark.skip or xfail has no reason"
    return calls


def test_the_name_map_can_be_imported() -> None:
    for name in FACTS:
        assert importlib.import_module(f"bridge.sandbox.{name}").build
