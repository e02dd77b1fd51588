"""Three-way merge: every case by hand, and what must hold for any case."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.merge import Conflict, Merged, merge

FIELD = st.sampled_from(["title", "price", "barcode"])
FIELDS = st.dictionaries(FIELD, st.integers(0, 3))
CHANNEL = st.sampled_from(["shop", "till"])
OWNERS = st.dictionaries(FIELD, CHANNEL)
WRITERS = st.dictionaries(FIELD, st.frozensets(CHANNEL))


def one(base: object, ours: object, theirs: object, *, owner: str = "shop", writers: tuple[str, ...] = ()) -> Merged:
    """Merge one field of the till; None stands for 'not there'."""
    sides = [{} if value is None else {"title": value} for value in (base, ours, theirs)]
    return merge(*sides, channel="till", owners={"title": owner}, writers={"title": frozenset(writers)})


def test_nothing_changed_is_agreed() -> None:
    assert one("a", "a", "a") == Merged(agreed={"title": "a"})


def test_only_ours_changed_is_written() -> None:
    assert one("a", "b", "a") == Merged(write={"title": "b"})


def test_only_theirs_changed_is_taken_from_a_writer() -> None:
    assert one("a", "a", "b", writers=("till",)) == Merged(take={"title": "b"})


def test_a_change_by_someone_who_may_not_is_put_back_and_recorded() -> None:
    lost = Conflict(field="title", ours="a", theirs="b", winner="shop")
    assert one("a", "a", "b") == Merged(write={"title": "a"}, conflicts=(lost,))


def test_both_changed_and_the_owner_wins() -> None:
    lost = Conflict(field="title", ours="b", theirs="c", winner="shop")
    assert one("a", "b", "c", writers=("till",)) == Merged(write={"title": "b"}, conflicts=(lost,))
    mine = Conflict(field="title", ours="b", theirs="c", winner="till")
    assert one("a", "b", "c", owner="till") == Merged(take={"title": "c"}, conflicts=(mine,))


def test_both_changed_to_the_same_is_no_conflict() -> None:
    assert one("a", "b", "b") == Merged(agreed={"title": "b"})


def test_at_first_contact_the_owner_counts_without_a_conflict() -> None:
    assert one(None, "a", "b") == Merged(write={"title": "a"})
    assert one(None, "a", "b", owner="till") == Merged(take={"title": "b"})
    assert one(None, None, "b") == Merged()
    assert one(None, None, "b", writers=("till",)) == Merged(take={"title": "b"})


def test_a_field_without_an_owner_is_never_touched() -> None:
    assert merge({}, {"title": "a"}, {"title": "b"}, channel="till", owners={}, writers={}) == Merged()


@given(FIELDS, FIELDS, FIELDS, CHANNEL, OWNERS, WRITERS)
def test_any_merge(
    base: dict[str, int],
    ours: dict[str, int],
    theirs: dict[str, int],
    channel: str,
    owners: dict[str, str],
    writers: dict[str, frozenset[str]],
) -> None:
    merged = merge(base, ours, theirs, channel=channel, owners=owners, writers=writers)
    parts = (merged.take, merged.write, merged.agreed)
    assert sum(map(len, parts)) == len(set().union(*parts)), "a field has one verdict"
    for name in merged.take:
        assert channel == owners[name] or channel in writers.get(name, frozenset())
        assert merged.take[name] == theirs[name] != ours.get(name)
    for name in merged.write:
        assert merged.write[name] == ours[name] != theirs[name]
        assert owners[name]
    for name in merged.agreed:
        assert ours[name] == theirs[name]
    for lost in merged.conflicts:
        assert lost.field in base
        assert base[lost.field] != lost.theirs
        assert lost.field in merged.take or lost.field in merged.write
    if channel in owners.values():
        owned = {name for name in theirs if owners.get(name) == channel}
        assert not any(base.get(name, theirs[name]) != theirs[name] for name in owned & merged.write.keys()), (
            "an owner's change is never overwritten"
        )


@given(FIELDS, FIELDS, FIELDS, OWNERS, WRITERS)
def test_a_merge_followed_through_leaves_nothing_to_do(
    base: dict[str, int],
    ours: dict[str, int],
    theirs: dict[str, int],
    owners: dict[str, str],
    writers: dict[str, frozenset[str]],
) -> None:
    merged = merge(base, ours, theirs, channel="till", owners=owners, writers=writers)
    ours_after = {**ours, **merged.take}
    theirs_after = {**theirs, **merged.write}
    settled = {name: theirs_after[name] for name in (*merged.take, *merged.write, *merged.agreed)}
    again = merge({**base, **settled}, ours_after, theirs_after, channel="till", owners=owners, writers=writers)
    assert (again.take, again.write, again.conflicts) == ({}, {}, ())
