"""Writing the item library: upserts in all-or-nothing batches, and deletes that take the children along."""

from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.square.catalog import DATA_FIELD, NESTED, PARENT_FIELD, Catalog, Entry
from bridge.sandbox.square.errors import SquareError, invalid, missing, not_found, stale_object
from bridge.sandbox.square.values import Json, amount_of, stamp

MAX_PER_BATCH = 1_000
MAX_PER_REQUEST = 10_000
MAX_VARIATIONS = 250
KEPT = ("present_at_all_locations", "present_at_location_ids", "absent_at_location_ids", "custom_attribute_values")


@dataclass(slots=True)
class Step:
    """One object of a batch, checked: its permanent id, and what it replaces."""

    id: str
    type: str
    data: Json
    extra: Json
    old: Entry | None
    parent: str | None = None
    children: list["Step"] | None = None


@dataclass(slots=True)
class Plan:
    """A checked request: temporary ids and what they became; objects come out in the order they came in."""

    ids: dict[str, str] = field(default_factory=dict)
    written: list[Entry] = field(default_factory=list)


class CatalogWriter:
    """Checks and applies catalog writes of one seller."""

    def __init__(self, catalog: Catalog, currency: str) -> None:
        self.catalog = catalog
        self.currency = currency

    def upsert(self, body: Json) -> Json:
        """UpsertCatalogObject."""
        plan = Plan()
        self._batch([_object(body.get("object"), "object")], plan, "object")
        return {"catalog_object": self.catalog.answer(plan.written[0])} | _mappings(plan)

    def batch_upsert(self, body: Json) -> Json:
        """BatchUpsertCatalogObjects: each batch is all or nothing, a bad one leaves the others standing."""
        batches = [_object(batch, "batches") for batch in _array(body, "batches")]
        lists = [_array(batch, "objects", f"batches[{n}].objects") for n, batch in enumerate(batches)]
        self._check_sizes(lists)
        plan, errors = Plan(), list[SquareError]()
        version = self.catalog.version
        for n, objects in enumerate(lists):
            try:
                version = self._batch(objects, plan, f"batches[{n}].objects")
            except SquareError as error:
                errors.append(error)
        if errors and not plan.written:
            raise errors[0]
        answer: Json = {"objects": [self.catalog.answer(entry) for entry in plan.written]}
        if errors:
            answer["errors"] = [error.as_json() for error in errors]
        return answer | {"updated_at": stamp(version)} | _mappings(plan)

    def delete(self, object_id: str) -> Json:
        """DeleteCatalogObject, with everything below it."""
        entry = self.catalog.live(object_id)
        if entry is None:
            raise not_found(f"Catalog object with ID `{object_id}` not found.")
        version = self.catalog.next_version()
        return {"deleted_object_ids": self._delete(entry, version), "deleted_at": stamp(version)}

    def batch_delete(self, object_ids: list[str]) -> Json:
        """BatchDeleteCatalogObjects: succeeds even if only some of the ids can be deleted."""
        if len(object_ids) > 200:
            raise invalid("ARRAY_LENGTH_TOO_LONG", "At most 200 objects can be deleted at once.", "object_ids")
        version = self.catalog.next_version()
        gone: list[str] = []
        for object_id in object_ids:
            entry = self.catalog.live(object_id)
            if entry is not None:
                gone += self._delete(entry, version)
        return {"deleted_object_ids": gone, "deleted_at": stamp(version)}

    def _delete(self, entry: Entry, version: int) -> list[str]:
        return self.catalog.delete(entry, version)

    def _check_sizes(self, lists: list[list[Any]]) -> None:
        if any(len(objects) > MAX_PER_BATCH for objects in lists):
            raise invalid("ARRAY_LENGTH_TOO_LONG", f"A batch holds at most {MAX_PER_BATCH} objects.", "batches")
        if sum(_count(part) for objects in lists for part in objects) > MAX_PER_REQUEST:
            raise invalid("ARRAY_LENGTH_TOO_LONG", f"A request holds at most {MAX_PER_REQUEST} objects.", "batches")

    def _batch(self, objects: list[Json], plan: Plan, where: str) -> int:
        """Check a whole batch, then apply it; nothing is written if one object of it is refused."""
        ids = dict(plan.ids)
        steps = [self._step(_object(part, where), ids, f"{where}[{n}]", None) for n, part in enumerate(objects)]
        _resolve([step.data for step in _flat(steps)], ids)
        for n, step in enumerate(steps):
            self._check_parent(step, steps, f"{where}[{n}]")
        version = self.catalog.next_version()
        plan.written += [self._apply(step, version) for step in steps]
        plan.ids = ids
        return version

    def _step(self, part: Json, ids: dict[str, str], where: str, parent: str | None) -> Step:
        kind, object_id = part.get("type"), part.get("id")
        if kind not in DATA_FIELD:
            raise invalid("INVALID_ENUM_VALUE", f"`{kind}` is not a supported catalog object type.", f"{where}.type")
        if not isinstance(object_id, str) or not object_id:
            raise missing(f"{where}.id")
        data = part.get(DATA_FIELD[kind])
        if not isinstance(data, dict):
            raise missing(f"{where}.{DATA_FIELD[kind]}")
        old = None if object_id.startswith("#") else self._current(part, object_id, kind, parent)
        permanent = self._permanent(object_id, ids) if old is None else old.id
        extra = {name: part[name] for name in KEPT if name in part}
        step = Step(permanent, kind, dict(data), extra, old, parent)
        self._complete(step, ids, where)
        return step

    def _permanent(self, object_id: str, ids: dict[str, str]) -> str:
        if object_id in ids:
            raise invalid("INVALID_VALUE", f"Duplicate temporary object ID `{object_id}`.", "id")
        ids[object_id] = self.catalog.ids.make(24)
        return ids[object_id]

    def _current(self, part: Json, object_id: str, kind: str, parent: str | None) -> Entry:
        old = self.catalog.live(object_id)
        if old is None:
            # Square refuses the whole batch for one id it does not know (woocommerce-square pull request 499).
            raise invalid("INVALID_VALUE", f"Object with ID `{object_id}` not found.", "id")
        if old.type != kind:
            raise invalid("INVALID_VALUE", f"Object `{object_id}` is not of type {kind}.", "type")
        if parent is not None and old.parent != parent:
            raise invalid("INVALID_VALUE", f"Object `{object_id}` belongs to another object.", "id")
        if part.get("version") != old.version:
            raise stale_object()
        return old

    def _complete(self, step: Step, ids: dict[str, str], where: str) -> None:
        """Check one object and fill in what Square fills in."""
        if step.type in NESTED:
            field_name, child_kind = NESTED[step.type]
            nested = step.data.pop(field_name, None) or []
            place = f"{where}.{DATA_FIELD[step.type]}.{field_name}"
            step.children = [self._step(_object(n, place), ids, f"{place}[{i}]", step.id) for i, n in enumerate(nested)]
            for ordinal, child in enumerate(step.children):
                child.data["ordinal"] = ordinal
                if child.type != child_kind:
                    raise invalid("INVALID_VALUE", f"Only {child_kind} objects may be here.", place)
        if step.type == "ITEM":
            self._complete_item(step, where)
        elif step.type == "ITEM_VARIATION":
            self._complete_variation(step.data, where)
        elif step.type in ("CATEGORY", "TAX", "ITEM_OPTION", "DISCOUNT") and not step.data.get("name"):
            raise missing(f"{where}.{DATA_FIELD[step.type]}.name")

    def _complete_item(self, step: Step, where: str) -> None:
        if not step.data.get("name"):
            raise missing(f"{where}.item_data.name")
        if not step.children:
            raise invalid("INVALID_VALUE", "An item must have at least one variation.", f"{where}.item_data.variations")
        if len(step.children) > MAX_VARIATIONS:
            raise invalid("ARRAY_LENGTH_TOO_LONG", "An item can have at most 250 variations.", where)
        html = step.data.get("description_html", step.data.get("description"))
        if html:
            step.data |= {"description": html, "description_html": html, "description_plaintext": _plain(html)}
        for name, value in (("is_taxable", True), ("product_type", "REGULAR"), ("is_archived", False)):
            step.data.setdefault(name, value)

    def _complete_variation(self, data: Json, where: str) -> None:
        priced = data.get("price_money") is not None
        pricing = data.setdefault("pricing_type", "FIXED_PRICING" if priced else "VARIABLE_PRICING")
        if pricing == "FIXED_PRICING":
            place = f"{where}.item_variation_data.price_money"
            if amount_of(data.get("price_money"), self.currency, place) < 0:
                raise invalid("VALUE_TOO_LOW", "A price must not be negative.", place)
        for override in data.get("location_overrides") or ():
            # "Attempts by an application to set this attribute are ignored" (specification, `sold_out`).
            override.pop("sold_out", None)
        data.setdefault("sellable", True)
        data.setdefault("stockable", True)

    def _check_parent(self, step: Step, steps: list[Step], where: str) -> None:
        link = PARENT_FIELD.get(step.type)
        if link is None:
            return
        parent = step.data.get(link) or (step.old.parent if step.old else None)
        inside = any(other.id == parent for other in steps)
        if not isinstance(parent, str) or not (inside or self.catalog.live(parent)):
            raise invalid("INVALID_VALUE", f"Object with ID `{parent}` not found.", f"{where}.{link}")
        step.parent = parent

    def _apply(self, step: Step, version: int) -> Entry:
        if step.parent is not None:
            step.data[PARENT_FIELD[step.type]] = step.parent
            step.data.setdefault("ordinal", len(self.catalog.entries[step.parent].children))
        entry = step.old
        if entry is None:
            entry = self.catalog.add(step.type, step.data, step.extra, version, step.parent, step.id)
        else:
            self._keep_sold_out(entry, step.data)
            self.catalog.replace(entry, step.data, step.extra, version)
        if step.children is not None:
            self._apply_children(entry, step.children, version)
        return entry

    def _apply_children(self, entry: Entry, children: list[Step], version: int) -> None:
        """Write the children given; those left out are deleted, because an update replaces the whole object."""
        named = {child.id for child in children}
        for child_id in entry.children:
            child = self.catalog.entries[child_id]
            if child_id not in named and not child.is_deleted:
                self.catalog.delete(child, version)
        for step in children:
            self._apply(step, version)

    def _keep_sold_out(self, entry: Entry, data: Json) -> None:
        marks = {o["location_id"]: o["sold_out"] for o in entry.data.get("location_overrides") or () if "sold_out" in o}
        if not marks:
            return
        overrides = {o["location_id"]: dict(o) for o in data.get("location_overrides") or ()}
        for location, sold_out in marks.items():
            overrides.setdefault(location, {"location_id": location})["sold_out"] = sold_out
        data["location_overrides"] = list(overrides.values())


def _flat(steps: list[Step]) -> list[Step]:
    return [each for step in steps for each in (step, *_flat(step.children or []))]


def _resolve(parts: list[Any], ids: dict[str, str]) -> None:
    """Put permanent ids where temporary ones stand, in every field that holds ids."""
    for part in parts:
        for name, value in part.items():
            if isinstance(value, str) and value.startswith("#") and (name == "id" or name.endswith("_id")):
                part[name] = _known(value, ids)
            elif isinstance(value, list) and name.endswith("_ids"):
                part[name] = [_known(one, ids) if one.startswith("#") else one for one in value]
            elif isinstance(value, dict):
                _resolve([value], ids)
            elif isinstance(value, list):
                _resolve([one for one in value if isinstance(one, dict)], ids)


def _known(temporary: str, ids: dict[str, str]) -> str:
    if temporary not in ids:
        raise invalid("INVALID_VALUE", f"Temporary object ID `{temporary}` is not defined in this request.", "id")
    return ids[temporary]


def _object(value: Any, field_name: str) -> Json:
    if not isinstance(value, dict):
        raise missing(field_name) if value is None else invalid("EXPECTED_OBJECT", "Expected an object.", field_name)
    return value


def _array(body: Json, name: str, place: str | None = None) -> list[Any]:
    value = body.get(name)
    if not isinstance(value, list) or not value:
        raise missing(place or name)
    return value


def _count(part: Any) -> int:
    if not isinstance(part, dict) or part.get("type") not in NESTED:
        return 1
    data = part.get(DATA_FIELD[part["type"]]) or {}
    return 1 + len(data.get(NESTED[part["type"]][0]) or ())


def _mappings(plan: Plan) -> Json:
    if not plan.ids:
        return {}
    return {"id_mappings": [{"client_object_id": one, "object_id": other} for one, other in plan.ids.items()]}


def _plain(html: str) -> str:
    """Strip the tags of a description."""
    parts = html.replace(">", "<").split("<")
    return "".join(parts[::2]) if "<" in html else html
