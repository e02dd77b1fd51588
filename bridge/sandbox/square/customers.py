"""The Customer Directory: profiles, and what the Customers API does with them. Connect API specification 2025-08-20.

Nothing keeps two profiles from having the same e-mail address or phone number.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import msgspec

from bridge.sandbox.square.errors import SquareError, invalid, missing, not_found
from bridge.sandbox.square.phones import e164, valid_phone
from bridge.sandbox.square.values import Clock, Ids, Json, cursor, moment, page_limit, position, stamp, strings, to_ms

__all__ = ["Customers", "Profile"]

KNOWN_BY = ("given_name", "family_name", "company_name", "nickname", "email_address", "phone_number")
FIELDS = (*KNOWN_BY, "reference_id", "address", "note", "birthday")
PAGE = 100
BULK = 100
"""Most profiles of one BulkRetrieveCustomers (developer.squareup.com/docs/customers-api/use-the-api/keep-records)."""
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
_NO_PHONE = "Expected phone_number to be a valid phone number"
_TEXTS = ("email_address", "phone_number", "reference_id")
_TIMES = ("created_at", "updated_at")

Place = tuple[Any, Any, int]


@dataclass(slots=True)
class Profile:
    """One customer profile as the API shows it, with its times in ms."""

    data: Json
    created_ms: int
    updated_ms: int
    seq: int

    @property
    def id(self) -> str:
        """Return the profile's id."""
        return str(self.data["id"])


class Customers:
    """All profiles of the seller. `on_change` hears "created", "updated" and "deleted"."""

    def __init__(self, clock: Clock, ids: Ids, country: str) -> None:
        self.clock = clock
        self.ids = ids
        self.country = country
        self.all: dict[str, Profile] = {}
        self.made = 0
        self.on_change: Callable[[str, Profile], None] = lambda *_: None

    def get(self, customer_id: str) -> Profile:
        """Find a profile or raise 404."""
        if customer_id not in self.all:
            raise not_found(f"Customer with ID `{customer_id}` not found.")
        return self.all[customer_id]

    def create(self, body: Json, source: str = "THIRD_PARTY") -> Json:
        """CreateCustomer: at least one thing to know the person by."""
        kept = _checked({name: body[name] for name in FIELDS if body.get(name)})
        if not any(name in kept for name in KNOWN_BY):
            raise invalid("NO_FIELDS_SET", "At least one of given_name, ... phone_number must be set.")
        now = self.clock.ms()
        data = {"id": self.ids.make(24), "created_at": stamp(now), "updated_at": stamp(now), **kept}
        data |= {"creation_source": source, "version": 0, "preferences": {"email_unsubscribed": False}}
        profile = self.all[data["id"]] = Profile(data, now, now, self.made)
        self.made += 1
        self.on_change("created", profile)
        return {"customer": data}

    def update(self, customer_id: str, body: Json) -> Json:
        """UpdateCustomer: sparse, null takes a field away, an old `version` is a conflict."""
        profile = self.get(customer_id)
        self._check_version(profile, body.get("version"))
        fields = {name: body[name] for name in FIELDS if name in body}
        _checked({name: value for name, value in fields.items() if value})
        data = {name: value for name, value in (profile.data | fields).items() if value not in (None, "")}
        if not any(name in data for name in KNOWN_BY):
            raise invalid("NO_FIELDS_SET", "At least one of given_name, ... phone_number must be set.")
        self.change(profile, data)
        return {"customer": profile.data}

    def change(self, profile: Profile, data: Json) -> None:
        """Put a profile's new state in place: a new version, a new `updated_at`."""
        profile.updated_ms = self.clock.ms()
        profile.data = {**data, "version": profile.data["version"] + 1, "updated_at": stamp(profile.updated_ms)}
        self.on_change("updated", profile)

    def delete(self, customer_id: str, version: str | None = None) -> Json:
        """DeleteCustomer."""
        profile = self.get(customer_id)
        self._check_version(profile, int(version) if version and version.isdigit() else None)
        del self.all[customer_id]
        self.on_change("deleted", profile)
        return {}

    def bulk(self, body: Json) -> Json:
        """BulkRetrieveCustomers: a map of answers, some of which may be errors."""
        wanted = strings(body.get("customer_ids"), "customer_ids")
        if not wanted:
            raise missing("customer_ids")
        if len(wanted) > BULK:
            raise invalid("ARRAY_LENGTH_TOO_LONG", f"At most {BULK} customer IDs are allowed.", "customer_ids")
        return {"responses": {one: self._one(one) for one in wanted}}

    def search(self, body: Json) -> Json:
        """SearchCustomers: in pages, by name or by time of creation."""
        query = body.get("query") or {}
        sort = query.get("sort") or {}
        key, backwards = _sorting(sort)
        found = sorted(filter(self._test(query.get("filter") or {}), self.all.values()), key=key, reverse=backwards)
        mark = crc32(msgspec.json.encode(query))
        behind = _behind(body.get("cursor"), mark)
        left = [one for one in found if behind is None or (key(one) < behind if backwards else key(one) > behind)]
        size = page_limit(body.get("limit"), PAGE, PAGE)
        answer: Json = {"customers": [one.data for one in left[:size]]} if left else {}
        if len(left) > size:
            answer["cursor"] = cursor(mark, *key(left[size - 1]))
        return answer | ({"count": len(found)} if body.get("count") else {})

    def with_phone(self, phone: str) -> Profile | None:
        """Find the oldest profile whose phone number is this one (E.164)."""
        same = (one for one in self.all.values() if e164(one.data.get("phone_number"), self.country) == phone)
        return next(same, None)

    def _one(self, customer_id: str) -> Json:
        try:
            return {"customer": self.get(customer_id).data}
        except SquareError as error:
            return {"errors": [error.as_json()]}

    def _check_version(self, profile: Profile, given: int | None) -> None:
        if given is not None and given != profile.data["version"]:
            detail = f"Supplied version {given} does not match the current version {profile.data['version']}."
            raise SquareError(409, "INVALID_REQUEST_ERROR", "CONFLICT", detail, "version")

    def _test(self, parts: Json) -> Callable[[Profile], bool]:
        """Combine the filters of a search: all of them must match."""
        if strange := set(parts) - {*_TEXTS, *_TIMES, "creation_source"}:
            detail = f"This stand-in does not filter by {', '.join(sorted(strange))}."
            raise SquareError(501, "API_ERROR", "NOT_IMPLEMENTED", detail, "query.filter")
        texts = [(name, self._text_test(name, parts[name])) for name in _TEXTS if parts.get(name)]
        spans = {name: _span(parts.get(name) or {}, f"query.filter.{name}") for name in _TIMES}
        source = parts.get("creation_source") or {}

        def test(one: Profile) -> bool:
            times = {"created_at": one.created_ms, "updated_at": one.updated_ms}
            named = one.data["creation_source"] in (source.get("values") or ())
            return (
                all(fits(str(one.data.get(name) or "")) for name, fits in texts)
                and all(start <= times[name] < end for name, (start, end) in spans.items())
                and (not source or named == (source.get("rule", "INCLUDE") == "INCLUDE"))
            )

        return test

    def _text_test(self, name: str, given: Json) -> Callable[[str], bool]:
        exact, fuzzy = given.get("exact"), given.get("fuzzy")
        if (exact is None) == (fuzzy is None):
            detail = "Exactly one of exact and fuzzy must be given."
            raise invalid("CONFLICTING_PARAMETERS", detail, f"query.filter.{name}")
        if fuzzy is not None:
            tokens = [_bare(token) for token in str(fuzzy).casefold().split()]
            return lambda value: bool(value) and all(token in _bare(value.casefold()) for token in tokens)
        if name != "phone_number":
            return lambda value: value.casefold() == str(exact).casefold()
        if not str(exact).startswith("+"):
            raise invalid("INVALID_PHONE_NUMBER", _NO_PHONE, f"query.filter.{name}")
        wanted = e164(str(exact), self.country)
        return lambda value: e164(value, self.country) == wanted


def _checked(fields: Json) -> Json:
    if "email_address" in fields and not _EMAIL.match(str(fields["email_address"])):
        detail = "Expected email_address to be a valid email address"
        raise invalid("INVALID_EMAIL_ADDRESS", detail, "email_address")
    if "phone_number" in fields and not valid_phone(fields["phone_number"]):
        raise invalid("INVALID_PHONE_NUMBER", _NO_PHONE, "phone_number")
    return fields


def _bare(text: str) -> str:
    """Take the punctuation out, as a fuzzy search does."""
    return re.sub(r"[^\w]|_", "", text)


def _sorting(sort: Json) -> tuple[Callable[[Profile], Place], bool]:
    field, order = sort.get("field", "DEFAULT"), sort.get("order", "ASC")
    if field not in ("DEFAULT", "CREATED_AT"):
        raise invalid("INVALID_ENUM_VALUE", f"`{field}` is not a valid sort field.", "query.sort.field")
    if order not in ("ASC", "DESC"):
        raise invalid("INVALID_SORT_ORDER", "order must be ASC or DESC.", "query.sort.order")
    return (_by_time if field == "CREATED_AT" else _by_name), order == "DESC"


def _by_time(one: Profile) -> Place:
    return one.created_ms, 0, one.seq


def _by_name(one: Profile) -> Place:
    return one.data.get("given_name") or "", one.data.get("family_name") or "", one.seq


def _behind(text: Any, mark: int) -> Place | None:
    if not text:
        return None
    kept, first, second, seq = position(text, 4)
    if kept != mark:
        raise invalid("INVALID_CURSOR", "The cursor belongs to another query.", "cursor")
    return first, second, seq


def _span(given: Json, field: str) -> tuple[int, int]:
    """Read a range of time in ms: its start is in it, its end is not."""
    start = to_ms(moment(given["start_at"], field)) if given.get("start_at") else 0
    return start, to_ms(moment(given["end_at"], field)) if given.get("end_at") else 1 << 62
