"""Contacts in one spelling: equal ones are equal, others are not, and what is none is none."""

import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.domain.contacts import Contact, email, masked, phone

NAMES = st.text(string.ascii_letters + string.digits, min_size=1, max_size=20)
NUMBERS = st.integers(10**9, 10**10 - 1).map(lambda number: f"1{number % 10**9:09d}")


@given(NAMES, NAMES, st.sampled_from(["", " ", "\t", "\n"]))
def test_an_address_is_the_same_in_any_case_and_with_blanks_around_it(name: str, host: str, blank: str) -> None:
    text = f"{name}@{host}.example.org"
    found = email(text)
    assert found == Contact("email", text.lower())
    assert found == email(blank + text.upper() + blank) == email(found.value)


@given(NAMES, NAMES)
def test_other_addresses_are_others(one: str, other: str) -> None:
    assume(one.lower() != other.lower())
    assert email(f"{one}@example.org") != email(f"{other}@example.org")


def test_what_a_mailbox_provider_makes_of_dots_and_tags_is_not_guessed() -> None:
    found = {email(one) for one in ("jo.do@example.org", "jodo@example.org", "jodo+shop@example.org")}
    assert len(found) == 3


@pytest.mark.parametrize(
    "text",
    ["", "  ", "jo", "jo@", "@example.org", "jo@exa mple.org", "jo do@example.org", "jo@example..org", "jo@@example.org"],
)  # fmt: skip
def test_what_is_no_address_is_none(text: str) -> None:
    assert email(text) is None


def test_a_domain_is_the_same_in_both_its_spellings() -> None:
    assert email("jo@bücher.example") == email("JO@xn--bcher-kva.example")


@given(NUMBERS, st.sampled_from(["", " ", "-", "/", ") "]))
def test_a_number_is_the_same_however_it_is_grouped(digits: str, gap: str) -> None:
    national = f"0{digits[:4]}{gap}{digits[4:7]}{gap}{digits[7:]}"
    found = phone(national, "DE")
    assert found == Contact("phone", f"+49{digits}")
    assert found == phone(f"+49 {digits}") == phone(f"0049{digits}", "DE") == phone(found.value, "US")


@pytest.mark.parametrize(
    ("text", "country"),
    [("", "DE"), ("0151 123", ""), ("abc", "DE"), ("12", "DE"), ("0000", "DE"), ("+999 12345678", "")],
)  # fmt: skip
def test_what_is_no_number_or_has_no_country_is_none(text: str, country: str) -> None:
    assert phone(text, country) is None


@given(st.text(max_size=30), st.sampled_from(["", "DE", "US"]))
def test_anything_that_somebody_types_is_read_or_refused(text: str, country: str) -> None:
    for found in (email(text), phone(text, country)):
        assert found is None or (found.value and found == (email(found.value) or phone(found.value)))


@given(NAMES.filter(lambda name: len(name) > 1), NUMBERS)
def test_what_is_printed_is_too_little_to_write_to(name: str, digits: str) -> None:
    mail, number = email(f"{name}@example.org"), phone(f"+49{digits}")
    assert mail is not None
    assert number is not None
    assert name.lower() not in masked(mail).partition("@")[0]
    assert digits not in masked(number)
