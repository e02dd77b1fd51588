"""Torture over many seeds, and the account it keeps: a score that could not be bad would be worth nothing."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.engine import rewards
from bridge.rehearsal import torture as played
from bridge.rehearsal.lapses import Lapse, lapses
from bridge.rehearsal.scoring import Score, board
from bridge.rehearsal.torture import torture
from bridge.rehearsal.trade import Act
from bridge.store import positions

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seeds(config: pytest.Config) -> list[int]:
    one = config.getoption("--seed")
    return [one] if one is not None else list(range(max(8, config.getoption("--seeds") // 20)))


def loyal_seeds(config: pytest.Config) -> list[int]:
    one = config.getoption("--seed")
    return [one] if one is not None else list(range(max(3, config.getoption("--seeds") // 60)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "loyal_story" in metafunc.fixturenames:
        metafunc.parametrize("loyal_story", loyal_seeds(metafunc.config))
    if "story" in metafunc.fixturenames:
        metafunc.parametrize("story", seeds(metafunc.config))


def test_everything_holds(story: int) -> None:
    score = torture(story)
    if not score.clean:
        told = "\n".join([*score.problems, *score.acted])
        pytest.fail(f"seed {story}; replay with: bridge torture --seed {story}\n{told}")
    assert (score.lost, score.invented) == (0, 0)


@pytest.mark.parametrize("seed", [67, 310, 384])
def test_a_number_that_comes_back_stale_is_judged_however_much_there_is_to_push(seed: int) -> None:
    """A lane pushes while it reads: a refuted number that was always on its way again was never judged, and held up all others."""
    assert torture(seed).problems == ()


@pytest.mark.parametrize("seed", [626, 1568])
def test_no_unit_is_invented_under_a_persons_count(seed: int) -> None:
    """A sale that WooCommerce lost beside an edit; a write of ours that Square put before the first of three counts."""
    score = torture(seed)
    assert (score.problems, score.lost) == ((), 0)


@pytest.mark.parametrize("seed", [76, 115])
def test_a_listing_that_is_bought_up_between_two_calls_of_one_write_is_sold_out(seed: int) -> None:
    """Etsy takes no inventory without a unit, so one lies in a listing for a moment while it is closed, or comes back."""
    assert torture(seed, ("woocommerce", "etsy")).problems == ()


def test_who_is_locked_out_by_a_lost_answer_is_let_in_again_by_a_person() -> None:
    """A platform ended the refresh token, and the answer with the next one never came: nothing is lost, and somebody is asked."""
    score = torture(221, ("woocommerce", "etsy"))
    assert (score.problems, score.granted) == ((), 1)


def test_points_and_codes_hold(loyal_story: int) -> None:
    score = torture(loyal_story, loyalty=True)
    if not score.clean:
        told = "\n".join([*score.problems, *score.acted])
        pytest.fail(f"seed {loyal_story}; replay with: bridge torture --loyalty --seed {loyal_story}\n{told}")
    assert score.gains is not None
    assert (score.gains.lost, score.gains.invented, score.gains.split_beyond) == (0, 0, 0)
    assert score.gains.earned


@pytest.mark.parametrize("loyalty", [False, True])
def test_a_seed_tells_the_same_story_twice(loyalty: bool) -> None:
    assert torture(3, loyalty=loyalty) == torture(3, loyalty=loyalty)


def test_a_bridge_that_forgets_uses_and_points_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of points and codes is booked any more: the receipts of the shoppers must say so."""
    monkeypatch.setattr(rewards, "book", lambda *_, **__: set())
    score = torture(5, loyalty=True)
    assert score.agreement is None
    assert score.gains is not None
    assert score.gains.lost
    assert any("None are on record" in problem for problem in score.problems)


def test_points_and_codes_are_played_where_no_shop_takes_codes() -> None:
    assert torture(1, ("square",), loyalty=True).problems == ()


def test_two_platforms_are_enough() -> None:
    score = torture(5, ("shopify", "woocommerce"))
    assert score.clean, score.problems
    assert score.sold


def test_a_bridge_that_loses_its_work_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the work queue nothing is pushed any more: the score must say so, or it would say nothing."""
    monkeypatch.setattr(positions, "work", lambda *_: [])
    score = torture(4)
    assert score.agreement is None
    assert any("the platform's own number" in problem for problem in score.problems)


def test_one_good_look_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody had heard of at the first good look turns up a few seconds later, and is not made good."""
    looks: list[list[str]] = [[]]
    monkeypatch.setattr(played, "broken", lambda *_: looks.pop() if looks else ["the news of the last act"])
    score = torture(4)
    assert not looks
    assert score.agreement is None
    assert score.problems == ("the news of the last act",)


def act(second: float, platform: str, moved: int, *, sale: bool = True) -> Act:
    return Act(NOON + second * SECOND, platform, "TEE", moved, sale)


def test_a_sale_that_the_news_could_have_stopped_was_avoidable() -> None:
    log = [act(0, "shopify", -2), act(10, "woocommerce", -2)]
    (lapse,) = lapses(log, {"TEE": 2}, SECOND)
    assert (lapse.units, lapse.unavoidable) == (2, False)
    assert (lapse.platform, lapse.elsewhere, lapse.seconds) == ("woocommerce", "shopify", 10.0)


def test_a_sale_faster_than_the_news_was_unavoidable() -> None:
    log = [act(0, "shopify", -2), act(0.5, "woocommerce", -1)]
    assert [(one.units, one.cause) for one in lapses(log, {"TEE": 2}, SECOND)] == [(1, "network")]


def test_a_till_sells_what_lies_on_the_counter() -> None:
    log = [act(0, "shopify", -2), act(60, "square", -1)]
    assert [(one.units, one.cause) for one in lapses(log, {"TEE": 2}, SECOND)] == [(1, "counter")]


def test_only_the_units_below_nothing_count() -> None:
    log = [act(0, "shopify", -3), act(9, "shopify", 2, sale=False), act(20, "woocommerce", -4)]
    assert [(one.units, one.unavoidable) for one in lapses(log, {"TEE": 4}, SECOND)] == [(1, False)]


def test_a_sale_that_no_news_could_have_stopped_came_from_the_platforms_own_number() -> None:
    """Two of two were sold there; whoever sells a third there was shown a number that forgot them."""
    log = [act(0, "shopify", -2), act(30, "shopify", -1)]
    assert [(one.units, one.cause, one.elsewhere) for one in lapses(log, {"TEE": 2}, SECOND)] == [(1, "own", "")]


def test_the_board_adds_up_and_names_what_failed() -> None:
    scores = [
        Score(seed=1, sold=3, agreement=5.0),
        Score(seed=2, sold=4, problems=("lost",)),
        Score(seed=3, agreement=9.0),
    ]
    total = board(scores)
    lapse = Lapse(at=NOON, platform="shopify", sku="TEE", units=2, cause="unheard")
    assert board([Score(seed=4, lapses=(lapse, lapse))]).causes == {"unheard": 4}
    assert (total.seeds, total.failed, total.sold, total.longest) == (3, (2,), 7, 9.0)
