"""The argument checks of WP_REST_Request: which values single requests refuse, with WordPress's own words.

Batch items never come here: WC_REST_Controller::batch_items skips these checks (recorded, products 062)."""

from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.woocommerce import values
from bridge.sandbox.woocommerce.errors import RestError

_NOTHING: dict[str, Any] = {"integer": 0, "boolean": False, "string": "", "array": [], "object": {}, "number": 0}


@dataclass(frozen=True, slots=True)
class Rule:
    """The schema of one argument. `kind` is a JSON schema type, or `date`, `list` (comma separated), `mixed`.

    A `required` one that is missing is reported before any other is looked at."""

    kind: str
    enum: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    default: Any = None
    required: bool = False
    item: "Rule | None" = None
    fields: dict[str, "Rule"] = field(default_factory=dict)


Schema = dict[str, Rule]


class _InvalidError(Exception):
    def __init__(self, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.detail = {"code": code, "message": message, "data": data}


def check(schema: Schema, params: dict[str, Any]) -> None:
    """Validate and clean `params` in place, and fill in defaults; raise one error that names every bad argument."""
    _check_required(schema, params)
    bad: dict[str, dict[str, Any]] = {}
    for name, rule in schema.items():
        if name not in params:
            if rule.default is not None:
                params[name] = rule.default
            continue
        try:
            params[name] = _clean(name, rule, params[name])
        except _InvalidError as invalid:
            bad[name] = invalid.detail
    if bad:
        texts = {name: detail["message"] for name, detail in bad.items()}
        message = f"Invalid parameter(s): {', '.join(bad)}"
        raise RestError("rest_invalid_param", message, 400, params=texts, details=bad)


def _check_required(schema: Schema, params: dict[str, Any]) -> None:
    absent = [name for name, rule in schema.items() if rule.required and name not in params]
    if absent:
        text = f"Missing parameter(s): {', '.join(absent)}"
        raise RestError("rest_missing_callback_param", text, 400, params=absent)


def _clean(name: str, rule: Rule, value: Any) -> Any:
    # Null is not validated but sanitised to its type's nothing: stock_quantity null writes 0 (recorded, products 042).
    if value is None:
        return _NOTHING.get(rule.kind)
    cleaned = _CLEANERS[rule.kind](name, rule, value)
    if rule.enum and rule.kind == "string" and str(cleaned) not in rule.enum:
        raise _InvalidError("rest_not_in_enum", f"{name} is not one of {_spoken(rule.enum)}.")
    return cleaned


def _wrong_type(name: str, kind: str) -> _InvalidError:
    return _InvalidError("rest_invalid_type", f"{name} is not of type {kind}.", {"param": name})


def _integer(name: str, rule: Rule, value: Any) -> int:
    if not values.is_integer(value):
        raise _wrong_type(name, "integer")
    number = values.php_int(value)
    low, high = rule.low, rule.high
    if (low is not None and number < low) or (high is not None and number > high):
        raise _InvalidError("rest_out_of_bounds", f"{name} {_bounds(low, high)}")
    return number


def _bounds(low: int | None, high: int | None) -> str:
    if high is None:
        return f"must be greater than or equal to {low}"
    if low is None:
        return f"must be less than or equal to {high}"
    return f"must be between {low} (inclusive) and {high} (inclusive)"


def _number(name: str, _: Rule, value: Any) -> Any:
    if values.to_number(value) is None:
        raise _wrong_type(name, "number")
    return value


def _boolean(name: str, rule: Rule, value: Any) -> Any:
    if "parent" in rule.enum and value == "parent":
        return value
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("0", "1", "true", "false"):
        return str(value).lower() in ("1", "true")
    raise _wrong_type(name, "boolean")


def _string(name: str, _: Rule, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, "string")
    return value


def _email(_: str, __: Rule, value: Any) -> str:
    text = str(value)
    if "@" not in text.strip("@") or "." not in text.rsplit("@", 1)[-1]:
        raise _InvalidError("rest_invalid_email", "Invalid email address.")
    return text


def _date(_: str, __: Rule, value: Any) -> str:
    if not isinstance(value, str) or values.parse_date(value, 0) is None:
        raise _InvalidError("rest_invalid_date", "Invalid date.")
    return value


def _list(name: str, rule: Rule, value: Any) -> list[Any]:
    found = value if isinstance(value, list) else [part.strip() for part in str(value).split(",") if part.strip()]
    for place, item in enumerate(found):
        if rule.enum and item not in rule.enum:
            raise _InvalidError("rest_not_in_enum", f"{name}[{place}] is not one of {_spoken(rule.enum)}.")
    return [_clean(f"{name}[{place}]", rule.item, item) for place, item in enumerate(found)] if rule.item else found


def _array(name: str, rule: Rule, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong_type(name, "array")
    if rule.item is None:
        return value
    return [_clean(f"{name}[{place}]", rule.item, item) for place, item in enumerate(value)]


def _object(name: str, rule: Rule, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong_type(name, "object")
    known = {key: _clean(f"{name}[{key}]", rule.fields[key], item) for key, item in value.items() if key in rule.fields}
    return {**value, **known}


def _mixed(_: str, __: Rule, value: Any) -> Any:
    return value


def _spoken(names: tuple[str, ...]) -> str:
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"


_CLEANERS = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
    "email": _email,
    "date": _date,
    "list": _list,
    "array": _array,
    "object": _object,
    "mixed": _mixed,
}
