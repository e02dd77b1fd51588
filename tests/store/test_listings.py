"""Listings on both databases: recorded, gone, back again, linked uniquely both ways."""

import sqlalchemy as sa

from bridge.domain.catalog import Product, Variant
from bridge.domain.effects import Bound
from bridge.domain.linking import Candidate, Finding
from bridge.store import documents, listings
from bridge.store.database import Database
from bridge.store.tables import findings
from tests.unit.make import T0, at, product


def record(database: Database, channel: str, *items: Product, seconds: float = 0) -> None:
    database.write(lambda connection: listings.record(connection, channel, items, at(seconds)))


def bind(database: Database, *rows: tuple[str, str, str | None, str | None]) -> None:
    database.write(lambda connection: listings.bind(connection, rows))


def waiting(database: Database) -> list[tuple[str, str]]:
    return [(one.channel, one.variant_id) for one in database.read(listings.candidates)]


def bound(database: Database, channel: str, *variants: str) -> dict[str, Bound]:
    return database.read(lambda connection: listings.bound(connection, channel, variants))


def test_a_listing_waits_until_it_is_linked(database: Database) -> None:
    tee = product("1", Variant(id="v1", sku="A", barcode="4006", title="Red", stock_id="s1"))
    record(database, "web", tee)
    assert database.read(listings.candidates) == [
        Candidate(channel="web", variant_id="v1", sku="A", barcode="4006", stock_id="s1", title="Product 1 Red")
    ]
    bind(database, ("web", "v1", "A", "sku"))
    assert waiting(database) == []
    assert bound(database, "web", "v1", "unknown") == {"v1": Bound("A", "s1")}
    bind(database, ("web", "v1", None, None))
    assert waiting(database) == [("web", "v1")]


def test_recording_again_keeps_the_link(database: Database) -> None:
    record(database, "web", product("1"))
    bind(database, ("web", "v1", "MINE", "hand"))
    record(database, "web", product("1", Variant(id="v1", sku="OTHER", stock_id="s9")))
    assert bound(database, "web", "v1") == {"v1": Bound("MINE", "s9")}


def test_a_deleted_product_is_gone_and_comes_back_linked(database: Database) -> None:
    record(database, "web", product("1"), product("2"))
    bind(database, ("web", "v1", "A", "sku"))
    record(database, "web", product("1", deleted=True), seconds=5)
    assert waiting(database) == [("web", "v2")]
    assert database.read(lambda connection: documents.living(connection, "web")) == ["2"]
    assert database.read(lambda connection: listings.shared_stock(connection, "web", ["s1"])) == {}
    record(database, "web", product("1"), seconds=9)
    assert waiting(database) == [("web", "v2")]
    assert database.read(lambda connection: listings.shared_stock(connection, "web", ["s1"])) == {"s1": "A"}


def test_a_variant_that_is_no_more_is_gone_its_sisters_stay(database: Database) -> None:
    small, large = Variant(id="s", sku="S"), Variant(id="l", sku="L")
    record(database, "web", product("1", small, large))
    record(database, "web", product("1", large))
    assert waiting(database) == [("web", "l")]
    record(database, "web", product("1", small, large))
    assert waiting(database) == [("web", "l"), ("web", "s")]


def test_channels_do_not_touch_each_other(database: Database) -> None:
    record(database, "web", product("1"))
    record(database, "till", product("1"))
    record(database, "web", product("1", deleted=True))
    assert waiting(database) == [("till", "v1")]


def test_what_the_whole_catalogue_no_longer_has_is_gone(database: Database) -> None:
    record(database, "web", product("1"), product("2"), product("3"))
    record(database, "till", product("9"))
    database.write(lambda connection: listings.forget_others(connection, "web", {"2"}, T0))
    assert waiting(database) == [("till", "v9"), ("web", "v2")]


def test_a_product_comes_back_as_the_channel_showed_it(database: Database) -> None:
    tee = product("1", tags=("new",), images=("https://x.test/1.png",), extra={"id": "7"})
    record(database, "web", tee)
    found = database.read(lambda connection: listings.product(connection, "web", "1"))
    assert found == tee
    assert found is not None
    assert found.extra == {"id": "7"}
    assert database.read(lambda connection: listings.product(connection, "web", "2")) is None


def test_shared_stock_belongs_to_the_listing_it_is_named_after(database: Database) -> None:
    """WooCommerce variations with manage_stock "parent" show their parent's number."""
    red, blue = Variant(id="red", sku="R", stock_id="p"), Variant(id="blue", sku="B", stock_id="p")
    record(database, "web", product("p", red, blue))
    bind(database, ("web", "red", "R", "sku"), ("web", "blue", "B", "sku"))
    assert database.read(lambda connection: listings.shared_stock(connection, "web", ["p"])) == {}
    assert bound(database, "web", "red") == {"red": Bound(None, "p")}
    record(database, "web", product("p", red, blue, Variant(id="p", sku="TEE", stock_id="p")))
    bind(database, ("web", "p", "TEE", "sku"))
    assert bound(database, "web", "red", "blue") == {"red": Bound("TEE", "p"), "blue": Bound("TEE", "p")}


def test_listings_of_one_sku_may_share_a_number(database: Database) -> None:
    record(
        database,
        "web",
        product("1", Variant(id="a", sku="A", stock_id="i")),
        product("2", Variant(id="b", sku="A", stock_id="i")),
    )
    bind(database, ("web", "a", "A", "sku"), ("web", "b", "A", "sku"))
    assert database.read(lambda connection: listings.shared_stock(connection, "web", ["i"])) == {"i": "A"}


def test_kits_are_those_of_the_config(database: Database) -> None:
    record(database, "web", product("1", Variant(id="k", sku="BOX", stock_id="s")))
    bind(database, ("web", "k", "BOX", "sku"))
    database.write(lambda connection: listings.set_kits(connection, {"BOX": {"B": 1, "A": 2}, "OLD": {"A": 1}}))
    assert bound(database, "web", "k")["k"].parts == (("A", 2), ("B", 1))
    database.write(lambda connection: listings.set_kits(connection, {}))
    assert bound(database, "web", "k")["k"].parts == (("BOX", 1),)


def test_a_sku_that_another_listing_has_already_is_not_given_again(database: Database) -> None:
    record(database, "web", product("1"), product("2"))
    bind(database, ("web", "v1", "A", "sku"))
    wanted = {("web", "v2"): ("A", "sku"), ("web", "v3"): ("B", "sku")}
    free, taken = database.read(lambda connection: listings.unclaimed(connection, wanted))
    assert free == {("web", "v3"): ("B", "sku")}
    assert [(one.kind, one.channel, one.key) for one in taken] == [("taken", "web", "v2")]


def test_a_listing_of_the_same_number_may_have_the_same_sku(database: Database) -> None:
    record(
        database,
        "web",
        product("1", Variant(id="a", sku="A", stock_id="i")),
        product("2", Variant(id="b", sku="A", stock_id="i")),
    )
    bind(database, ("web", "a", "A", "sku"))
    free, taken = database.read(lambda connection: listings.unclaimed(connection, {("web", "b"): ("A", "sku")}))
    assert (len(free), taken) == (1, [])


def test_two_untracked_listings_do_not_share_a_number(database: Database) -> None:
    record(database, "web", product("1", Variant(id="a", sku="A")), product("2", Variant(id="b", sku="A")))
    bind(database, ("web", "a", "A", "sku"))
    free, taken = database.read(lambda connection: listings.unclaimed(connection, {("web", "b"): ("A", "sku")}))
    assert free == {}
    assert [one.kind for one in taken] == ["taken"]


def test_a_gone_listing_frees_its_sku(database: Database) -> None:
    record(database, "web", product("1"), product("2"))
    bind(database, ("web", "v1", "A", "sku"))
    record(database, "web", product("1", deleted=True))
    free, taken = database.read(lambda connection: listings.unclaimed(connection, {("web", "v2"): ("A", "sku")}))
    assert (len(free), taken) == (1, [])


def test_barcodes_that_two_skus_carry_are_left_out(database: Database) -> None:
    rows = [("a", "A", "1"), ("b", "B", "1"), ("c", "C", "2"), ("d", "D", None)]
    record(database, "web", *(product(name, Variant(id=name, sku=sku, barcode=code)) for name, sku, code in rows))
    record(database, "till", product("c", Variant(id="c", sku="C", barcode="2")))
    bind(database, *(("web", name, sku, "sku") for name, sku, _ in rows), ("till", "c", "C", "sku"))
    assert database.read(listings.barcodes) == {"2": "C"}


def test_findings_keep_their_date(database: Database) -> None:
    def find(seconds: float, *kinds: str) -> dict[str, object]:
        rows = [Finding(kind=kind, channel="web", key="1", text=f"{kind} {seconds}") for kind in kinds]  # type: ignore[arg-type]
        database.write(lambda connection: listings.replace_findings(connection, rows, at(seconds)))
        found = database.read(lambda connection: connection.execute(sa.select(findings)).all())
        return {row.kind: row.since for row in found}

    assert find(0, "no_sku", "orphan") == {"no_sku": at(0), "orphan": at(0)}
    assert find(5, "no_sku", "taken") == {"no_sku": at(0), "taken": at(5)}
    assert find(9, "orphan", "orphan") == {"orphan": at(9)}
    assert find(12) == {}


def test_linked_listings_without_a_number_are_a_finding(database: Database) -> None:
    record(
        database, "web", product("1", Variant(id="a", sku="A")), product("2", Variant(id="b", sku="B", stock_id="s"))
    )
    assert database.read(listings.untracked) == []
    bind(database, ("web", "a", "A", "sku"), ("web", "b", "B", "sku"))
    assert [(one.kind, one.key) for one in database.read(listings.untracked)] == [("untracked", "a")]


def test_skus_and_tags(database: Database) -> None:
    database.write(lambda connection: listings.add_skus(connection, {"A": "Tee", "B": ""}, T0))
    assert sorted(database.read(listings.known_skus)) == ["A", "B"]
    assert database.read(listings.tags) == {}
