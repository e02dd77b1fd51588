"""Reading the item library: list, search by time of change or by attribute, batch retrieve, related objects."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bridge.sandbox.square.catalog import DATA_FIELD, TOP_LEVEL, Catalog, Entry
from bridge.sandbox.square.errors import bad_request, invalid, not_found
from bridge.sandbox.square.values import Json, cursor, moment, page_limit, position, stamp, strings, to_ms

LIST_PAGE = 100
SEARCH_PAGE = 1_000
MAX_RETRIEVE = 1_000
REFERENCES = ("category_id", "item_id", "item_option_id", "item_option_value_id")
REFERENCE_LISTS = ("tax_ids", "image_ids")

Test = Callable[[Entry], bool]


class CatalogReader:
    """Answers the read calls of the Catalog API."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def listing(self, types: str | None, after: str | None) -> Json:
        """ListCatalog: 100 live objects a page, in the order they were made."""
        kinds = _kinds([kind.strip().upper() for kind in types.split(",")] if types else None)
        start = position(after, 2) if after else [0, 0]
        found, rest = _take(self._by_age(kinds, start, deleted=False), LIST_PAGE)
        return self._page(found, rest)

    def search(self, body: Json) -> Json:
        """SearchCatalogObjects; `begin_time` is exclusive and finds what changed since, deletions too if asked for."""
        kinds = _kinds(strings(body.get("object_types"), "object_types") or None)
        limit = body.get("limit")
        # "negative, zero, or higher than the maximum limit of 1,000 ... will be ignored" (specification).
        size = limit if isinstance(limit, int) and 0 < limit <= SEARCH_PAGE else SEARCH_PAGE
        deleted = bool(body.get("include_deleted_objects"))
        query = body.get("query") or {}
        matches = _test(query)
        found, rest = _take(((p, e) for p, e in self._candidates(body, kinds, query, deleted) if matches(e)), size)
        answer = self._page(found, rest)
        if body.get("include_related_objects") and found:
            answer["related_objects"] = self.related(entry for _, entry in found)
        return answer | {"latest_time": stamp(self.catalog.version)}

    def search_items(self, body: Json) -> Json:
        """SearchCatalogItems: items by words in their own or their variations' searchable fields, 100 a page."""
        matches, archived = _text({"keywords": str(body.get("text_filter") or "").split()}), body.get("archived_state")
        size = page_limit(body.get("limit"), LIST_PAGE, LIST_PAGE)
        start = position(body["cursor"], 2) if body.get("cursor") else [0, 0]
        hits: dict[str, list[str]] = {}
        stream = self._by_age(("ITEM",), start, deleted=False)
        found, rest = _take(((p, e) for p, e in stream if _kept(e, archived) and self._hit(e, matches, hits)), size)
        answer = self._page(found, rest)
        return {"items": answer.pop("objects"), **answer, "matched_variation_ids": _join(hits, found)} if found else {}

    def _hit(self, item: Entry, matches: Test, hits: dict[str, list[str]]) -> bool:
        children = (self.catalog.entries[child] for child in item.children)
        whole = matches(item)
        hits[item.id] = [one.id for one in children if not one.is_deleted and (whole or matches(one))]
        return bool(hits[item.id])

    def retrieve(self, object_id: str, *, related: bool) -> Json:
        """RetrieveCatalogObject."""
        entry = self.catalog.live(object_id)
        if entry is None:
            raise not_found(f"Catalog object with ID `{object_id}` not found.")
        answer: Json = {"object": self.catalog.answer(entry)}
        return answer | ({"related_objects": self.related([entry])} if related else {})

    def batch_retrieve(self, body: Json) -> Json:
        """BatchRetrieveCatalogObjects: unknown ids are left out."""
        object_ids = strings(body.get("object_ids"), "object_ids")
        if len(object_ids) > MAX_RETRIEVE:
            raise invalid("ARRAY_LENGTH_TOO_LONG", f"At most {MAX_RETRIEVE} object IDs are allowed.", "object_ids")
        deleted = bool(body.get("include_deleted_objects"))
        known = [self.catalog.entries[one] for one in dict.fromkeys(object_ids) if one in self.catalog.entries]
        entries = [entry for entry in known if deleted or not entry.is_deleted]
        answer: Json = {"objects": [self.catalog.answer(entry) for entry in entries]}
        return answer | ({"related_objects": self.related(entries)} if body.get("include_related_objects") else {})

    def related(self, entries: Iterable[Entry]) -> list[Json]:
        """Return the objects that these refer to by id, one level deep."""
        wanted: dict[str, None] = {}
        given = set()
        for entry in entries:
            given.add(entry.id)
            for part in (entry, *(self.catalog.entries[child] for child in entry.children)):
                wanted.update(dict.fromkeys(_references(part.data)))
        live = (self.catalog.live(one) for one in wanted if one not in given)
        return [self.catalog.answer(entry) for entry in live if entry is not None]

    def _candidates(
        self, body: Json, kinds: tuple[str, ...], query: Json, deleted: bool
    ) -> Iterator[tuple[list[Any], Entry]]:
        """Choose the cheapest way to all objects that can match; each comes with the cursor position behind it."""
        after = body.get("cursor")
        if body.get("begin_time") is not None:
            begin = to_ms(moment(body["begin_time"], "begin_time"))
            return self._by_change(kinds, begin, position(after, 1)[0] if after else None, deleted)
        skus = _skus(query)
        if skus is not None:
            return self._by_sku(skus, kinds, position(after, 1)[0] if after else 0)
        return self._by_age(kinds, position(after, 2) if after else [0, 0], deleted=deleted)

    def _by_age(self, kinds: tuple[str, ...], start: list[Any], *, deleted: bool) -> Iterator[tuple[list[Any], Entry]]:
        for n in range(start[0], len(kinds)):
            ids = self.catalog.by_type.get(kinds[n], [])
            for i in range(start[1] if n == start[0] else 0, len(ids)):
                entry = self.catalog.entries[ids[i]]
                if deleted or not entry.is_deleted:
                    yield [n, i + 1], entry

    def _by_change(
        self, kinds: tuple[str, ...], begin: int, start: int | None, deleted: bool
    ) -> Iterator[tuple[list[Any], Entry]]:
        changes = self.catalog.changes
        first = bisect_right(changes, begin, key=lambda change: change[0]) if start is None else start
        for i in range(first, len(changes)):
            version, object_id = changes[i]
            entry = self.catalog.entries[object_id]
            # An object that changed again stands further on, with its present version.
            if entry.version == version and entry.type in kinds and (deleted or not entry.is_deleted):
                yield [i + 1], entry

    def _by_sku(self, skus: list[str], kinds: tuple[str, ...], start: int) -> Iterator[tuple[list[Any], Entry]]:
        found = [one for sku in dict.fromkeys(skus) for one in self.catalog.by_sku.get(sku, ())]
        for i in range(start, len(found)):
            entry = self.catalog.entries[found[i]]
            if entry.type in kinds:
                yield [i + 1], entry

    def _page(self, found: list[tuple[list[Any], Entry]], rest: bool) -> Json:
        answer: Json = {"objects": [self.catalog.answer(entry) for _, entry in found]} if found else {}
        return answer | ({"cursor": cursor(*found[-1][0])} if rest else {})


def _take(stream: Iterator[tuple[list[Any], Entry]], size: int) -> tuple[list[tuple[list[Any], Entry]], bool]:
    found: list[tuple[list[Any], Entry]] = []
    for one in stream:
        if len(found) == size:
            return found, True
        found.append(one)
    return found, False


def _kept(item: Entry, archived: str | None) -> bool:
    wanted = {"ARCHIVED_STATE_ALL": (True, False), "ARCHIVED_STATE_ARCHIVED": (True,)}.get(archived or "", (False,))
    return bool(item.data.get("is_archived")) in wanted


def _join(hits: dict[str, list[str]], found: list[tuple[list[Any], Entry]]) -> list[str]:
    return [one for _, entry in found for one in hits[entry.id]]


def _kinds(types: list[str] | None) -> tuple[str, ...]:
    if types is None:
        return TOP_LEVEL
    for kind in types:
        if kind not in DATA_FIELD:
            raise invalid("INVALID_ENUM_VALUE", f"`{kind}` is not a supported catalog object type.", "object_types")
    return tuple(types)


def _references(data: Json) -> Iterator[str]:
    for name, value in data.items():
        if name in REFERENCES and isinstance(value, str):
            yield value
        elif name in REFERENCE_LISTS:
            yield from value
        elif name in ("categories", "item_options", "item_option_values"):
            for part in value:
                yield from (one for key, one in part.items() if key == "id" or key in REFERENCES)


def _test(query: Json) -> Test:
    """Build one test out of the filters of a `CatalogQuery`; several are ANDed."""
    tests: list[Test] = []
    for name, part in query.items():
        if part is None:
            continue
        if name not in _FILTERS:
            raise bad_request(f"Query type `{name}` is not supported.", f"query.{name}")
        tests.append(_FILTERS[name](part))
    return lambda entry: all(test(entry) for test in tests)


def _exact(part: Json) -> Test:
    name, value = str(part.get("attribute_name")), str(part.get("attribute_value")).casefold()
    return lambda entry: str(entry.data.get(name, "")).casefold() == value


def _set(part: Json) -> Test:
    name = str(part.get("attribute_name"))
    values = {str(value).casefold() for value in part.get("attribute_values") or ()}
    return lambda entry: str(entry.data.get(name, "")).casefold() in values


def _prefix(part: Json) -> Test:
    name, value = str(part.get("attribute_name")), str(part.get("attribute_prefix")).casefold()
    return lambda entry: str(entry.data.get(name, "")).casefold().startswith(value)


def _text(part: Json) -> Test:
    words = [str(word).casefold() for word in part.get("keywords") or ()]

    def test(entry: Entry) -> bool:
        text = " ".join(str(entry.data.get(name) or "") for name in ("name", "description", "sku", "upc")).casefold()
        return all(word in text for word in words)

    return test


def _items_for_tax(part: Json) -> Test:
    taxes = set(part.get("tax_ids") or ())
    return lambda entry: not taxes.isdisjoint(entry.data.get("tax_ids") or ())


_FILTERS: dict[str, Callable[[Json], Test]] = {
    "exact_query": _exact,
    "set_query": _set,
    "prefix_query": _prefix,
    "text_query": _text,
    "items_for_tax_query": _items_for_tax,
}


def _skus(query: Json) -> list[str] | None:
    """Return the SKUs a query asks for by name, if that is what it does."""
    exact, several = query.get("exact_query") or {}, query.get("set_query") or {}
    if exact.get("attribute_name") == "sku":
        return [str(exact.get("attribute_value")).casefold()]
    if several.get("attribute_name") == "sku":
        return [str(value).casefold() for value in several.get("attribute_values") or ()]
    return None
