"""The item library: objects, their versions and the indexes reads go through. No HTTP, no request parsing.

An object's `version` is the millisecond of its last change and equals `updated_at` (specification, the examples of
`BatchUpsertCatalogObjectsResponse`: version 1701372275400 beside 2023-11-30T19:24:35.4Z).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.square.values import Clock, Ids, Json, stamp

NESTED = {"ITEM": ("variations", "ITEM_VARIATION"), "ITEM_OPTION": ("values", "ITEM_OPTION_VAL")}
PARENT_FIELD = {"ITEM_VARIATION": "item_id", "ITEM_OPTION_VAL": "item_option_id"}
DATA_FIELD = {
    "ITEM": "item_data",
    "ITEM_VARIATION": "item_variation_data",
    "ITEM_OPTION": "item_option_data",
    "ITEM_OPTION_VAL": "item_option_value_data",
    "CATEGORY": "category_data",
    "TAX": "tax_data",
    "DISCOUNT": "discount_data",
    "IMAGE": "image_data",
    "MODIFIER_LIST": "modifier_list_data",
    "MODIFIER": "modifier_data",
}
TOP_LEVEL = tuple(kind for kind in DATA_FIELD if kind not in PARENT_FIELD and kind not in ("MODIFIER", "IMAGE"))


@dataclass(slots=True)
class Entry:
    """One catalog object without its children, which are entries of their own."""

    id: str
    type: str
    created_ms: int
    data: Json
    version: int = 0
    extra: Json = field(default_factory=dict)
    parent: str | None = None
    children: list[str] = field(default_factory=list)
    is_deleted: bool = False
    answer: Json | None = None


def at_location(entry: Entry, location: str, name: str) -> Any:
    """Read a field of a variation as it is at one location, where it may be overridden."""
    for override in entry.data.get("location_overrides") or ():
        if override.get("location_id") == location and override.get(name) is not None:
            return override[name]
    return entry.data.get(name)


class Catalog:
    """All objects of the seller, by id, by SKU, by type and by time of change."""

    def __init__(self, clock: Clock, ids: Ids, *, variation_touches_item: bool) -> None:
        self.clock = clock
        self.ids = ids
        self.variation_touches_item = variation_touches_item
        self.entries: dict[str, Entry] = {}
        self.by_sku: dict[str, list[str]] = {}
        self.by_type: dict[str, list[str]] = {}
        self.changes: list[tuple[int, str]] = []
        self.version = 0
        self.on_version: Callable[[int], None] = lambda _: None

    def next_version(self) -> int:
        """Return the version of a write now: its millisecond, or one later if that one is taken."""
        self.version = max(self.version + 1, self.clock.ms())
        return self.version

    def live(self, object_id: str, kind: str | None = None) -> Entry | None:
        """Find an object that is not deleted, of one type if told."""
        entry = self.entries.get(object_id)
        if entry is None or entry.is_deleted or (kind is not None and entry.type != kind):
            return None
        return entry

    def add(self, kind: str, data: Json, extra: Json, version: int, parent: str | None, object_id: str) -> Entry:
        """Put in a new object."""
        entry = Entry(object_id, kind, version, data, extra=extra, parent=parent)
        self.entries[entry.id] = entry
        self.by_type.setdefault(kind, []).append(entry.id)
        if parent is not None:
            self.entries[parent].children.append(entry.id)
        self._index(entry)
        self.touch(entry, version)
        return entry

    def replace(self, entry: Entry, data: Json, extra: Json, version: int) -> None:
        """Put new content into an object; Square knows no sparse updates of catalog objects."""
        self._unindex(entry)
        entry.data = data
        entry.extra = extra
        self._index(entry)
        self.touch(entry, version)

    def touch(self, entry: Entry, version: int) -> None:
        """Give an object the version of the write that changed it."""
        if entry.version != version:
            entry.version = version
            self.changes.append((version, entry.id))
            self.on_version(version)
        self.forget_answer(entry)
        if entry.parent is not None and self.variation_touches_item:
            self.touch(self.entries[entry.parent], version)

    def delete(self, entry: Entry, version: int) -> list[str]:
        """Delete an object and its children; return the ids that went."""
        gone = []
        for child in entry.children:
            if not self.entries[child].is_deleted:
                gone += self.delete(self.entries[child], version)
        self._unindex(entry)
        entry.is_deleted = True
        self.touch(entry, version)
        return [entry.id, *gone]

    def forget_answer(self, entry: Entry) -> None:
        """Let the next read build the answer of this object (and of the item it is in) anew."""
        entry.answer = None
        if entry.parent is not None:
            self.entries[entry.parent].answer = None

    def answer(self, entry: Entry) -> Json:
        """Return the object as the API shows it. The value is shared: do not change it."""
        if entry.answer is None:
            entry.answer = self._answer(entry)
        return entry.answer

    def variations(self) -> Iterator[Entry]:
        """Go through the variations that are not deleted, oldest first."""
        for object_id in self.by_type.get("ITEM_VARIATION", ()):
            entry = self.entries[object_id]
            if not entry.is_deleted:
                yield entry

    def _answer(self, entry: Entry) -> Json:
        data = entry.data
        if entry.type in NESTED:
            children = (self.entries[child] for child in entry.children)
            data = {**data, NESTED[entry.type][0]: [self.answer(child) for child in children if not child.is_deleted]}
        return {
            "type": entry.type,
            "id": entry.id,
            "updated_at": stamp(entry.version),
            "created_at": stamp(entry.created_ms),
            "version": entry.version,
            "is_deleted": entry.is_deleted,
            "present_at_all_locations": True,
            **entry.extra,
            DATA_FIELD[entry.type]: data,
        }

    def _index(self, entry: Entry) -> None:
        sku = entry.data.get("sku")
        if sku and entry.type == "ITEM_VARIATION":
            self.by_sku.setdefault(sku.casefold(), []).append(entry.id)

    def _unindex(self, entry: Entry) -> None:
        sku = entry.data.get("sku")
        if sku and entry.type == "ITEM_VARIATION" and not entry.is_deleted:
            self.by_sku[sku.casefold()].remove(entry.id)
