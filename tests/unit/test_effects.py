"""Effects of orders: what a snapshot does to the ledger, and what the platform did to its own numbers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.catalog import StockKey
from bridge.domain.effects import (
    Bound,
    Restock,
    Terms,
    ledger_effects,
    number_effects,
    settled,
    taken_at_first,
    taken_numbers,
    unlinked,
)
from bridge.domain.ledger import Counter, difference, order_why, stock
from bridge.domain.orders import Order
from tests.unit.make import bindings, line, order

A, B = stock("A", "main"), stock("B", "main")


def test_a_sale_takes_its_units_off_both_sides() -> None:
    sold = order(line("v1", 3), line("v2", 1))
    assert ledger_effects(sold, bindings()) == {A: -3, B: -1}
    assert number_effects(sold, bindings()) == {StockKey("s1"): -3, StockKey("s2"): -1}


def test_two_lines_of_one_variant_are_one_effect() -> None:
    sold = order(line("v1", 3, id="a"), line("v1", 2, id="b"))
    assert ledger_effects(sold, bindings()) == {A: -5}
    assert number_effects(sold, bindings()) == {StockKey("s1"): -5}


def test_a_line_that_moved_nothing_has_no_effect() -> None:
    assert ledger_effects(order(line("v1", 3, held=0)), bindings()) == {}
    assert number_effects(order(line("v1", 3, held=0)), bindings()) == {}


@pytest.mark.parametrize(
    ("held", "refunded", "restocked", "policy", "ledger", "number"),
    [
        # The platform says what it put back: the policy has no say.
        (3, 2, 0, "always", -3, -3),
        (3, 2, 0, "never", -3, -3),
        (1, 2, 2, "always", -1, -1),
        (1, 2, 2, "never", -1, -1),
        # It does not say: the policy decides about the ledger, its own number stays as it is.
        (3, 2, None, "always", -1, -3),
        (3, 2, None, "never", -3, -3),
        (3, 2, None, "ask", -3, -3),
        (3, 3, None, "always", 0, -3),
        # It does not even say what it took (Square): a sale takes its quantity, and moves no number we know of.
        (None, 0, 0, "always", -3, 0),
        (None, 0, 0, "never", -3, 0),
    ],
)
def test_restock_policies(
    held: int | None, refunded: int, restocked: int | None, policy: Restock, ledger: int, number: int
) -> None:
    sold = order(line("v1", 3, held=held, refunded=refunded, restocked=restocked))
    assert ledger_effects(sold, bindings(restock=policy)).get(A, 0) == ledger
    assert number_effects(sold, bindings(restock=policy)).get(StockKey("s1"), 0) == number


@pytest.mark.parametrize(("policy", "back"), [("always", 2), ("never", 0), ("ask", 0)])
def test_a_return_line_of_a_silent_platform_follows_the_policy(policy: Restock, back: int) -> None:
    returned = order(line("v1", -2, held=None))
    assert ledger_effects(returned, bindings(restock=policy)).get(A, 0) == back


@pytest.mark.parametrize("policy", ["always", "never", "ask"])
def test_a_return_line_that_put_units_on_the_number_is_a_fact(policy: Restock) -> None:
    returned = order(line("v1", -2, held=-2))
    assert ledger_effects(returned, bindings(restock=policy)) == {A: 2}
    assert number_effects(returned, bindings(restock=policy)) == {StockKey("s1"): 2}


def test_a_kit_and_its_own_component_in_one_order_both_count() -> None:
    kits = {"v1": Bound("A", "s1"), "kit": Bound("BOX", "sk", (("A", 2), ("B", 1)))}
    sold = order(line("kit", 3), line("v1", 1))
    assert ledger_effects(sold, bindings(kits)) == {A: -7, B: -3}
    assert number_effects(sold, bindings(kits)) == {StockKey("sk"): -3, StockKey("s1"): -1}


def test_variations_under_their_parents_stock_share_one_number() -> None:
    shared = {"red": Bound("TEE", "parent"), "blue": Bound("TEE", "parent")}
    sold = order(line("red", 2), line("blue", 3))
    assert ledger_effects(sold, bindings(shared)) == {stock("TEE", "main"): -5}
    assert number_effects(sold, bindings(shared)) == {StockKey("parent"): -5}


def test_an_untracked_variant_still_moves_the_ledger() -> None:
    untracked = {"v1": Bound("A", None)}
    assert ledger_effects(order(line("v1", 2)), bindings(untracked)) == {A: -2}
    assert number_effects(order(line("v1", 2)), bindings(untracked)) == {}


def test_locations_that_are_not_mapped_are_not_ours() -> None:
    ours = bindings(places={"L1": "main", "L2": "store"}, home="L1")
    sold = order(line("v1", 1), line("v1", 2, location="L2", id="b"), line("v1", 4, location="L9", id="c"))
    assert ledger_effects(sold, ours) == {A: -1, stock("A", "store"): -2}
    assert number_effects(sold, ours) == {StockKey("s1", "L1"): -1, StockKey("s1", "L2"): -2, StockKey("s1", "L9"): -4}


def test_what_was_taken_before_anything_came_back() -> None:
    sold = order(line("v1", 3, held=1, refunded=2, restocked=2), line("v2", 2, held=2, refunded=2, restocked=None))
    assert taken_at_first(sold, bindings()) == {A: -3, B: -2}
    assert taken_numbers(sold, bindings()) == {StockKey("s1"): -3, StockKey("s2"): -2}


def test_lines_nobody_knows_are_named_and_nothing_is_guessed() -> None:
    some = {"v1": Bound("A", "s1"), "loose": Bound(None, "s3")}
    lines = [line("v1"), line("who", 2), line(None, 1, id="custom"), line("loose", 1)]
    sold = order(*lines)
    assert unlinked(sold, bindings(some)) == tuple(lines[1:])
    assert ledger_effects(sold, bindings(some)) == {A: -1}


def test_an_unknown_line_that_moved_no_units_is_no_worry() -> None:
    """A tip, a gift wrap, or goods the platform does not track."""
    assert unlinked(order(line(None, 1, held=0)), bindings()) == ()
    assert len(unlinked(order(line(None, 1, held=None)), bindings())) == 1


units = st.integers(0, 20)


@st.composite
def snapshots(draw: st.DrawFn) -> Order:
    rows = draw(st.lists(st.tuples(st.sampled_from(["v1", "v2", "v3"]), units, units), max_size=5))
    return order(
        *(
            line(name, held + back, held=held, refunded=back, restocked=back, id=str(n))
            for n, (name, held, back) in enumerate(rows)
        )
    )


@given(st.lists(snapshots(), min_size=1, max_size=6))
def test_movements_of_any_history_add_up_to_the_newest_snapshots_effects(history: list[Order]) -> None:
    """Rule 1: whatever came between, in the end only the newest snapshot counts."""
    recorded: dict[Counter, int] = {}
    booked: dict[Counter, int] = {}
    for snapshot in [*history, history[-1]]:
        after = ledger_effects(snapshot, bindings())
        for counter, delta in difference(recorded, after).items():
            assert delta != 0
            booked[counter] = booked.get(counter, 0) + delta
        recorded = after
    assert {counter: total for counter, total in booked.items() if total} == ledger_effects(history[-1], bindings())


@given(snapshots())
def test_a_duplicate_snapshot_differs_in_nothing(snapshot: Order) -> None:
    effects = ledger_effects(snapshot, bindings())
    assert difference(effects, effects) == {}


def test_difference_names_new_changed_and_vanished_counters_in_order() -> None:
    gone, new = stock("C", "main"), stock("0", "main")
    assert list(difference({A: -3, B: -1, gone: -2}, {A: -1, B: -1, new: -4}).items()) == [(new, -4), (A, 2), (gone, 2)]


@pytest.mark.parametrize(
    ("status", "delta", "why"),
    [
        ("paid", -1, "sale"),
        ("cancelled", -1, "sale"),
        ("paid", 1, "refund"),
        ("cancelled", 1, "cancel"),
        ("fulfilled", 2, "refund"),
    ],
)
def test_why_an_order_moved_a_counter(status: str, delta: int, why: str) -> None:
    assert order_why(order(status=status), delta) == why


def test_a_policy_that_changes_later_decides_only_about_what_comes_back_later() -> None:
    first = order(line("v1", 5, held=5, refunded=2, restocked=None, id="a"))
    before = bindings(restock="never")
    assert ledger_effects(first, before) == {A: -5}
    after = replace(bindings(restock="always"), terms=settled(first, before))
    assert ledger_effects(first, after) == {A: -5}
    more = order(line("v1", 5, held=5, refunded=3, restocked=None, id="a"))
    assert ledger_effects(more, after) == {A: -4}


def test_what_went_back_under_the_old_policy_stays_back() -> None:
    first = order(line("v1", 5, held=5, refunded=2, restocked=None, id="a"))
    before = bindings(restock="always")
    after = replace(bindings(restock="never"), terms=settled(first, before))
    assert ledger_effects(first, after) == ledger_effects(first, before) == {A: -3}
    more = order(line("v1", 5, held=5, refunded=4, restocked=None, id="a"))
    assert ledger_effects(more, after) == {A: -3}


def test_a_return_of_its_own_stays_what_it_was_booked_as() -> None:
    back = order(line("v1", -2, held=None, id="a"))
    before = bindings(restock="always")
    assert ledger_effects(back, before) == {A: 2}
    assert ledger_effects(back, replace(bindings(restock="never"), terms=settled(back, before))) == {A: 2}


def test_a_place_that_is_mapped_anew_does_not_move_what_was_sold_before() -> None:
    sold = order(line("v1", 1, id="a", location="L1"), line("v1", 1, id="b", location="L2"))
    before = replace(bindings(), places={"L1": "main"})
    assert ledger_effects(sold, before) == {A: -1}
    after = replace(before, places={"L1": "harbour", "L2": "main"}, terms=settled(sold, before))
    assert ledger_effects(sold, after) == {A: -1}
    fresh = order(line("v1", 1, id="c", location="L1"))
    assert ledger_effects(fresh, after) == {stock("A", "harbour"): -1}


def test_a_line_that_moves_to_another_location_follows_it() -> None:
    sold = order(line("v1", 1, id="a", location="L1"))
    here = replace(bindings(), places={"L1": "main", "L2": "harbour"})
    moved = order(line("v1", 1, id="a", location="L2"))
    assert ledger_effects(moved, replace(here, terms=settled(sold, here))) == {stock("A", "harbour"): -1}


@given(
    refunds=st.lists(st.integers(0, 6), min_size=1, max_size=6),
    policies=st.lists(st.sampled_from(["always", "never", "ask"]), min_size=6, max_size=6),
)
def test_each_returned_unit_follows_the_policy_of_its_day(refunds: list[int], policies: list[Restock]) -> None:
    terms: dict[str, Terms] = {}
    expected = seen = 0
    for refunded, policy in zip(sorted(refunds), policies, strict=False):
        now = order(line("v1", 6, held=6, refunded=refunded, restocked=None, id="a"))
        rules = replace(bindings(restock=policy), terms=terms)
        expected += refunded - seen if policy == "always" else 0
        seen = refunded
        assert ledger_effects(now, rules).get(A, 0) == expected - 6
        terms = settled(now, rules)
