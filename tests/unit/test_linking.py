"""Linking: exact SKU, then barcode, else a finding. Nothing doubtful is ever linked."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.linking import Candidate, Links, link


def listing(channel: str, variant: str, sku: str | None = None, barcode: str | None = None, **more: Any) -> Candidate:
    return Candidate(
        channel=channel, variant_id=variant, sku=sku, barcode=barcode, stock_id=more.pop("stock", variant), **more
    )


def kinds(links: Links) -> list[tuple[str, str, str]]:
    return [(one.kind, one.channel, one.key) for one in links.findings]


def test_the_first_listing_of_a_sku_founds_it_and_others_join() -> None:
    links = link([listing("web", "1", "A", title="Tee"), listing("till", "9", "A", title="T-shirt")], [], {})
    assert links.linked == {("web", "1"): ("A", "sku"), ("till", "9"): ("A", "sku")}
    assert links.fresh == {"A": "Tee"}
    assert links.findings == ()


def test_a_known_sku_is_not_fresh() -> None:
    links = link([listing("web", "1", "A")], ["A"], {})
    assert links.linked == {("web", "1"): ("A", "sku")}
    assert links.fresh == {}


def test_a_sku_twice_on_one_channel_is_never_linked_there() -> None:
    links = link([listing("web", "1", "A"), listing("web", "2", "A"), listing("till", "9", "A")], [], {})
    assert links.linked == {("till", "9"): ("A", "sku")}
    assert kinds(links) == [("duplicate_sku", "web", "A")]
    assert "1, 2" in links.findings[0].text


def test_listings_that_share_one_stock_record_are_not_duplicates() -> None:
    links = link([listing("web", "1", "A", stock="p"), listing("web", "2", "A", stock="p")], [], {})
    assert links.linked == {("web", "1"): ("A", "sku"), ("web", "2"): ("A", "sku")}
    assert links.findings == ()


def test_untracked_duplicates_are_still_duplicates() -> None:
    links = link([listing("web", "1", "A", stock=None), listing("web", "2", "A", stock=None)], [], {})
    assert links.linked == {}
    assert kinds(links) == [("duplicate_sku", "web", "A")]


def test_another_case_is_a_finding_not_a_match() -> None:
    links = link([listing("web", "1", "tee-red")], ["TEE-RED"], {})
    assert links.linked == {}
    assert kinds(links) == [("other_case", "web", "tee-red")]


def test_another_case_within_one_run_is_a_finding_too() -> None:
    links = link([listing("web", "1", "Tee"), listing("till", "9", "TEE")], [], {})
    assert links.linked == {("web", "1"): ("Tee", "sku")}
    assert kinds(links) == [("other_case", "till", "TEE")]


def test_case_is_folded_as_people_read_it() -> None:
    links = link([listing("web", "1", "STRASSE")], ["straße"], {})
    assert kinds(links) == [("other_case", "web", "STRASSE")]


def test_without_a_sku_a_known_barcode_links() -> None:
    links = link([listing("till", "9", None, "4006")], ["A"], {"4006": "A"})
    assert links.linked == {("till", "9"): ("A", "barcode")}


def test_a_barcode_learnt_in_the_same_run_links() -> None:
    links = link([listing("till", "9", "", "4006"), listing("web", "1", "A", "4006")], [], {})
    assert links.linked == {("web", "1"): ("A", "sku"), ("till", "9"): ("A", "barcode")}


def test_a_barcode_twice_on_one_channel_links_nothing() -> None:
    links = link([listing("till", "8", None, "4006"), listing("till", "9", None, "4006")], ["A"], {"4006": "A"})
    assert links.linked == {}
    assert kinds(links) == [("duplicate_barcode", "till", "8"), ("duplicate_barcode", "till", "9")]


def test_a_barcode_does_not_link_to_a_sku_its_channel_shows_itself() -> None:
    links = link([listing("web", "1", "A"), listing("web", "2", None, "4006")], ["A"], {"4006": "A"})
    assert links.linked == {("web", "1"): ("A", "sku")}
    assert kinds(links) == [("no_sku", "web", "2")]


def test_a_barcode_of_a_duplicate_sku_teaches_nothing() -> None:
    twice = [listing("web", "1", "A", "4006"), listing("web", "2", "A", "4006")]
    links = link([*twice, listing("till", "9", None, "4006")], [], {})
    assert links.linked == {}
    assert ("no_sku", "till", "9") in kinds(links)


def test_a_barcode_that_two_skus_carry_links_nothing() -> None:
    two = [listing("web", "1", "A", "4006"), listing("web", "2", "B", "4006")]
    links = link([*two, listing("till", "9", None, "4006")], [], {})
    assert ("till", "9") not in links.linked
    assert kinds(links) == [("no_sku", "till", "9")]


def test_a_known_barcode_that_a_new_sku_carries_too_links_nothing() -> None:
    links = link([listing("web", "2", "B", "4006"), listing("till", "9", None, "4006")], ["A"], {"4006": "A"})
    assert ("till", "9") not in links.linked


def test_no_sku_and_no_barcode_is_a_finding_with_the_title() -> None:
    links = link([listing("web", "1", title="Gift wrap"), listing("web", "2", None, "0000")], [], {})
    assert kinds(links) == [("no_sku", "web", "1"), ("no_sku", "web", "2")]
    assert "Gift wrap" in links.findings[0].text


skus = st.sampled_from(["A", "a", "B", "C", "", None])
candidates = st.lists(
    st.builds(
        lambda channel, number, sku, barcode, shared: listing(
            channel, f"v{number}", sku, barcode, stock="shared" if shared else f"v{number}"
        ),
        st.sampled_from(["web", "till", "market"]), st.integers(0, 9), skus, st.sampled_from(["1", "2", "", None]), st.booleans(),
    ),
    max_size=9, unique_by=lambda one: (one.channel, one.variant_id),
)  # fmt: skip


@given(
    candidates,
    st.sets(st.sampled_from(["A", "B", "D"])),
    st.dictionaries(st.sampled_from(["1", "2"]), st.sampled_from(["A", "B"])),
)
def test_links_are_unique_both_ways_and_everything_else_is_said(
    pool: list[Candidate], known: set[str], barcodes: dict[str, str]
) -> None:
    links = link(pool, known, barcodes)
    by_id = {(one.channel, one.variant_id): one for one in pool}
    numbers: dict[tuple[str, str], set[str | None]] = {}
    for (channel, variant), (sku, how) in links.linked.items():
        one = by_id[channel, variant]
        assert how == ("sku" if one.sku else "barcode")
        assert not one.sku or sku == one.sku
        assert sku in known or sku in links.fresh or sku in barcodes.values()
        numbers.setdefault((channel, sku), set()).add(one.stock_id)
    assert all(len(several) == 1 for several in numbers.values()), "one SKU, two numbers on one channel"
    said = {(one.channel, one.key) for one in links.findings}
    for slot, one in by_id.items():
        assert slot in links.linked or (one.channel, one.variant_id) in said or (one.channel, one.sku) in said


@given(candidates)
def test_linking_again_with_what_was_learnt_founds_nothing_new(pool: list[Candidate]) -> None:
    first = link(pool, [], {})
    again = link(pool, first.fresh, {})
    assert again.fresh == {}
    assert again.linked == first.linked
