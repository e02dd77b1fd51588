"""A write whose answer was lost: it took effect or it did not, once or for as long as the command tries; sales go on meanwhile."""

import pytest

from tests.baddays.crashes import clean_points
from tests.baddays.day import PLATFORMS, Day, Fuse, KilledError, good
from tests.contract.facts import FACTS

WOO_WRITE = "after a write: POST woo.sandbox/wp-json/wc/v3/products/batch"


def to_write(day: Day, name: str) -> None:
    """Everything in step, then a sale elsewhere: this platform has to be written to."""
    day.seed(good("TEE", stock=20), good("MUG", stock=9))
    day.truth = {"TEE": 20, "MUG": 9}
    day.opened()
    day.until_quiet()
    day.wait(30)
    other = next(one for one in PLATFORMS if one != name)
    day.sells(other, "TEE", 3)
    day.sells(other, "MUG", 2)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_lost_once_and_settled_by_the_same_command(day: Day, name: str, kind: str) -> None:
    to_write(day, name)
    day.fault(name, kind, times=1, **FACTS[name].calls["stock"])
    said = day.bridge("sync")
    assert said.code == 0, said.text
    assert "Everything is in step" in said.out
    assert day.problems() == []


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_lost_again_and_again_is_told_and_settled_later(day: Day, name: str, kind: str) -> None:
    to_write(day, name)
    day.fault(name, kind, times=None, **FACTS[name].calls["stock"])
    said = day.bridge("sync")
    assert "Traceback" not in said.text
    if (name, kind) == ("woocommerce", "cut_after"):
        # No key can be sent again there, so the number is read back: it tells that the write took effect.
        assert said.code == 0, said.text
        day.platforms[name].faults.clear()
        assert day.problems() == []
        return
    assert said.code == 1
    assert "run `bridge sync` again." in said.out
    if name != "woocommerce":
        assert f"{name}: " in said.out
        assert "no answer came back" in said.out
        assert "  next: is https://" in said.out
    for one in PLATFORMS:
        day.sells(one, "TEE")
    day.wait(60)
    assert day.bridge("sync").code == 1, "still lost: nothing is guessed"
    day.platforms[name].faults.clear()
    day.wait(60)
    day.until_quiet()
    assert day.problems() == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_the_answer_is_lost_and_somebody_counts_before_it_is_settled(day: Day, name: str) -> None:
    to_write(day, name)
    if name == "woocommerce":
        # The same command would read back and settle it: this one dies before it can.
        day.fuse = Fuse(at=clean_points(day, "sync").index(WOO_WRITE))
        with pytest.raises(KilledError):
            day.bridge("sync")
        day.fuse = Fuse()
    else:
        day.fault(name, "cut_after", times=None, **FACTS[name].calls["stock"])
        assert day.bridge("sync").code == 1
    day.platforms[name].faults.clear()
    day.wait(30)
    day.shop(name).count("TEE", 40)
    day.truth["TEE"] = 40
    day.wait(30)
    day.until_quiet()
    assert day.problems() == [], "what was counted is never above what is there, and doubt is said"
    assert "count" in day.bridge("why", "TEE").out
