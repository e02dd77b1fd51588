"""How uses are divided: whatever is moved, in whatever order things become known, the channels never may accept more than there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.quotas import Quota, limits, moved, spread

NAMES = ("a", "b", "c")


@st.composite
def divided(draw: st.DrawFn) -> tuple[int, dict[str, Quota]]:
    """Quotas that together come to no more than there is."""
    quotas, total = {}, 0
    for name in NAMES[: draw(st.integers(1, 3))]:
        allotted, used, ceiling = draw(st.integers(0, 9)), draw(st.integers(0, 9)), draw(st.integers(0, 9))
        quotas[name] = Quota(used=used, allotted=allotted, ceiling=max(ceiling, allotted))
        total += max(used, allotted, ceiling)
    return total + draw(st.integers(0, 5)), quotas


@given(divided())
def test_moving_never_promises_more_than_there_is(case: tuple[int, dict[str, Quota]]) -> None:
    uses, quotas = case
    after = moved(uses, quotas)
    assert sum(max(after[name], quota.ceiling, quota.used) for name, quota in quotas.items()) <= uses
    assert all(after[name] >= min(quota.used, quota.allotted) for name, quota in quotas.items()), "what was used stays"
    raised = [name for name in quotas if after[name] > quotas[name].allotted]
    assert all(quotas[name].used >= quotas[name].allotted for name in raised), "only one that has run out is raised"


@given(st.integers(0, 50), st.integers(0, 5))
def test_uses_are_spread_evenly_and_whole(uses: int, channels: int) -> None:
    found = spread(uses, [str(number) for number in range(channels)])
    assert sum(found.values()) == (uses if channels else 0)
    assert max(found.values(), default=0) - min(found.values(), default=0) <= 1


def test_one_that_idles_gives_half_up_and_gets_no_new_cut_before_that_one_is_confirmed() -> None:
    quotas = {"a": Quota(used=3, allotted=3, ceiling=3), "b": Quota(used=0, allotted=7, ceiling=7)}
    cut = moved(10, quotas)
    assert cut == {"a": 3, "b": 4}
    waiting = {"a": quotas["a"], "b": replace(quotas["b"], allotted=4)}
    assert moved(10, waiting) == cut
    confirmed = {"a": quotas["a"], "b": Quota(used=0, allotted=4, ceiling=4)}
    assert moved(10, confirmed) == {"a": 6, "b": 4}


def test_a_channel_that_was_used_more_than_allotted_hinders_nobody() -> None:
    quotas = {
        "a": Quota(used=5, allotted=3, ceiling=5),
        "b": Quota(used=1, allotted=1, ceiling=1),
        "c": Quota(allotted=4, ceiling=4),
    }
    assert moved(10, quotas)["c"] == 2


def test_limits_by_policy() -> None:
    quotas = {"a": Quota(used=2, allotted=3, claims=1), "b": Quota(allotted=4)}
    assert limits("split", 5, quotas) == {"a": 3, "b": 4}
    assert limits("claim", 5, quotas) == {"a": 3, "b": 0}
    assert limits("shared", None, quotas) == {"a": None, "b": None}
    assert limits("shared", 4, quotas) == {"a": 7, "b": 4}
    assert limits("shared", -1, quotas) == {"a": 3, "b": 0}


@dataclass
class Shop:
    """A channel that honours what was written there; `late` are uses that nobody knows of yet."""

    limit: int
    used: int = 0
    late: int = 0
    sent: list[int] = field(default_factory=list)


@dataclass
class World:
    """The smallest bridge: what it knows of each shop, as `Quota` has it. A cut is confirmed once the uses from before it are known."""

    uses: int
    shops: dict[str, Shop]
    known: dict[str, Quota]

    def settle(self) -> None:
        for name, most in moved(self.uses, self.known).items():
            quota = self.known[name]
            if most != quota.allotted:
                self.shops[name].sent.append(most)
            self.known[name] = replace(quota, allotted=most, ceiling=max(quota.ceiling, most))

    def step(self, act: str, name: str) -> None:
        shop, quota = self.shops[name], self.known[name]
        if act == "use" and shop.used < shop.limit:
            shop.used, shop.late = shop.used + 1, shop.late + 1
        elif act == "hear" and shop.late:
            shop.late -= 1
            self.known[name] = replace(quota, used=quota.used + 1)
        elif act == "write" and shop.sent:
            shop.limit = shop.sent.pop(0)
        elif act == "lose" and len(shop.sent) > 1:
            shop.sent.pop(0)
        elif act == "confirm" and not shop.sent:
            self.known[name] = replace(quota, used=shop.used, ceiling=max(shop.limit, shop.used))
            shop.late = 0
        self.settle()

    def may_be_used(self) -> int:
        return sum(max(shop.used, shop.limit, *shop.sent) for shop in self.shops.values())


def opened(uses: int, shares: Mapping[str, int]) -> World:
    shops = {name: Shop(limit=share) for name, share in shares.items()}
    return World(uses, shops, {name: Quota(allotted=share, ceiling=share) for name, share in shares.items()})


ACTS = st.tuples(st.sampled_from(["use", "use", "hear", "write", "lose", "confirm"]), st.sampled_from(NAMES))


@given(st.integers(0, 12), st.lists(ACTS, max_size=60))
def test_no_interleaving_overspends_a_code(uses: int, acts: list[tuple[str, str]]) -> None:
    world = opened(uses, spread(uses, NAMES))
    for act, name in acts:
        world.step(act, name)
        assert sum(shop.used for shop in world.shops.values()) <= world.may_be_used() <= uses


@given(st.integers(4, 12), st.sampled_from(NAMES))
def test_a_shop_where_all_the_trade_is_gets_nearly_every_use(uses: int, name: str) -> None:
    """All but one use for each of the others: what idles is given up by halves."""
    world = opened(uses, spread(uses, NAMES))
    for _ in range(20 * uses):
        for act in ("use", "hear", "write", "confirm"):
            for one in NAMES:
                if act != "use" or one == name:
                    world.step(act, one)
    assert world.shops[name].used >= uses - (len(NAMES) - 1)
