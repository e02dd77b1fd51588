"""Small shapes of calls and answers that platforms share: parameters, pages, lists of errors, numbers in events, tickets of edits."""

import pytest

from bridge.contract.ports import ProductEdit, ProductResult, VariantEdit
from bridge.domain.catalog import Product
from bridge.wire.api import given
from bridge.wire.feeds import page_of
from bridge.wire.hints import counted
from bridge.wire.judging import problem_in
from bridge.wire.paging import joined
from bridge.wire.payload import Odd, Payload, first, must
from bridge.wire.product_edits import fields_of, outcome_of
from tests.unit.make import T0


def test_what_is_empty_is_not_asked_for() -> None:
    assert given(marketplaceIds="A", pageToken="", after="B") == (("marketplaceIds", "A"), ("after", "B"))
    assert given() == ()


def test_names_are_joined_so_many_a_call_but_for_those_that_hold_a_comma() -> None:
    assert joined(["A", "B", "A", "", "C", "D, E"], 2) == (["A,B", "C"], ["D, E"])
    assert joined([], 2) == ([], [])


def test_the_first_of_a_list_is_empty_where_there_is_none() -> None:
    assert first({"a": [{"b": 1}, {"b": 2}]}, "a") == {"b": 1}
    assert first({"a": []}, "a") == first({}, "a") == {}
    with pytest.raises(Odd, match="a is not a list"):
        first({"a": "b"}, "a")


def test_a_page_has_what_is_ours_and_sets_aside_what_cannot_be_understood() -> None:
    def read(payload: Payload) -> str | None:
        return None if payload.get("theirs") else must(payload, "name")

    page = page_of([{"name": "A"}, {"theirs": True}, {"sku": "C"}], read, T0, "sku")
    assert (page.items, page.as_of) == (("A",), T0)
    assert [(one.id, one.reason) for one in page.bad] == [("C", "name is missing")]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"errors": null}', b'{"errors": "no"}', b'{"errors": [7]}'])
def test_an_answer_without_a_list_of_errors_is_somebody_elses(content: bytes) -> None:
    assert problem_in(content) == {}


def test_the_first_problem_is_the_one_that_counts() -> None:
    assert problem_in(b'{"errors": [{"code": "A"}, {"code": "B"}]}') == {"code": "A"}
    assert problem_in(b'{"problems": [{"code": "A"}]}', "problems") == {"code": "A"}


@pytest.mark.parametrize(("told", "units"), [(5, 5), (-1, -1), ("5", None), (True, None), (10**9, None), (None, None)])
def test_a_number_in_an_event_is_told_only_where_it_is_one(told: object, units: int | None) -> None:
    hint = counted("TEE", "shelf", told, "sold", T0)
    assert (hint.kind, hint.id, hint.location, hint.quantity, hint.at) == ("stock", "TEE", "shelf", units, T0)
    assert counted("", "shelf", told, "sold", T0).kind == "channel"


@pytest.mark.anyio
async def test_an_edit_that_was_accepted_brings_its_ticket() -> None:
    edit = ProductEdit(current=Product(id="tee", title="A tee", updated_at=T0), fields=frozenset({"title"}))
    result = ProductResult(id="tee", product=edit.current, ticket="t-1")

    async def accept(_: ProductEdit) -> ProductResult:
        return result

    assert await outcome_of(edit, accept) == result


def test_the_fields_of_an_edit_stand_beside_those_of_its_one_variant() -> None:
    own = VariantEdit(id="tee", fields=frozenset({"barcode"}), barcode="40")
    tee = Product(id="tee", title="A tee", updated_at=T0)
    edit = ProductEdit(current=tee, fields=frozenset({"title", "images"}), title="New", variants=(own,))
    assert fields_of(edit) == {"images": (), "title": "New", "barcode": "40"}
