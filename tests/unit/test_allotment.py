"""What a channel may show: rules folded to a policy, a policy applied to what is available."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.allotment import Policy, Rule, available_kits, choose, target

amounts = st.integers(-50, 500)
small = st.integers(0, 60)
policies = st.builds(Policy, buffer=small, cap=st.none() | small)


@given(policies, amounts)
def test_a_target_is_never_below_zero_above_the_cap_or_above_what_the_buffer_leaves(
    policy: Policy, available: int
) -> None:
    shown = target(policy, available)
    assert shown >= 0
    assert shown <= max(0, available - policy.buffer)
    assert policy.cap is None or shown <= policy.cap


@given(policies, amounts)
def test_one_unit_more_never_shows_less(policy: Policy, available: int) -> None:
    assert target(policy, available) <= target(policy, available + 1) <= target(policy, available) + 1


def test_buffer_comes_off_before_the_cap() -> None:
    assert target(Policy(buffer=2, cap=5), 9) == 5
    assert target(Policy(buffer=2, cap=5), 6) == 4
    assert target(Policy(buffer=2, cap=5), 2) == 0
    assert target(Policy(), 7) == 7
    assert target(Policy(cap=0), 7) == 0


def test_oversold_stock_shows_as_zero() -> None:
    assert target(Policy(), -4) == 0


def test_least_lifts_the_floor_even_above_the_cap() -> None:
    assert target(Policy(buffer=5), 3, least=2) == 2
    assert target(Policy(cap=1), 9, least=3) == 3


def test_without_rules_everything_is_shown() -> None:
    assert choose([], "A", frozenset(), "web") == Policy()


def test_later_rules_win_field_by_field() -> None:
    rules = [Rule(buffer=1, cap=50), Rule(channel="web", buffer=3), Rule(sku="A", cap=9), Rule(sku="B", buffer=7)]
    assert choose(rules, "A", frozenset(), "web") == Policy(buffer=3, cap=9)
    assert choose(rules, "A", frozenset(), "till") == Policy(buffer=1, cap=9)
    assert choose(rules, "B", frozenset(), "web") == Policy(buffer=7, cap=50)


def test_a_later_zero_takes_an_earlier_buffer_away() -> None:
    assert choose([Rule(buffer=4), Rule(sku="A", buffer=0)], "A", frozenset(), "web") == Policy()


def test_every_condition_of_a_rule_must_hold() -> None:
    rule = Rule(sku="A", tag="sale", channel="web", buffer=1)
    assert rule.matches("A", frozenset({"sale", "new"}), "web")
    assert not rule.matches("B", frozenset({"sale"}), "web")
    assert not rule.matches("A", frozenset(), "web")
    assert not rule.matches("A", frozenset({"sale"}), "till")


def test_the_scarcest_component_decides() -> None:
    assert available_kits([("A", 2), ("B", 1)], {"A": 9, "B": 3}) == 3
    assert available_kits([("A", 2), ("B", 1)], {"A": 5, "B": 30}) == 2
    assert available_kits([("A", 2), ("B", 1)], {"A": 5}) == 0
    assert available_kits([], {"A": 5}) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from("ABC"), st.integers(1, 5)), min_size=1, max_size=3, unique_by=lambda one: one[0]
    ),
    st.data(),
)
def test_the_kits_shown_can_be_packed_and_one_more_cannot(parts: list[tuple[str, int]], data: st.DataObject) -> None:
    shelf = {sku: data.draw(st.integers(0, 40)) for sku, _ in parts}
    kits = available_kits(parts, shelf)
    assert all(kits * each <= shelf[sku] for sku, each in parts)
    assert any((kits + 1) * each > shelf[sku] for sku, each in parts)


def test_an_oversold_component_shows_no_kit() -> None:
    assert target(Policy(), available_kits([("A", 2)], {"A": -1})) == 0
