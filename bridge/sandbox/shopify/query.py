"""The search syntax of `query:` arguments: terms, quotes, AND/OR/NOT, ranges - with Shopify's own surprises.

An unquoted timestamp is cut at its first colon and read in the shop's time zone; the rest becomes a term of an unknown
field, which is only warned about. `<` and `>` on dates include the bound. Both recorded in inventory-connection-query-windowing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from bridge.sandbox.shopify.errors import bad_request

TOKEN = re.compile(r"""\s*(?:(?P<paren>[()])|(?P<word>(?:\\.|"[^"]*"|'[^']*'|[^\s()"'\\])+)|(?P<quote>["'\\]))""")
OPERATOR = re.compile(r"(<=|>=|<|>)?(.*)", re.DOTALL)
WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Term:
    """`field:value`; a bare word has the field ""."""

    field: str
    operator: str
    value: str
    phrase: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Terms joined by "and", "or" or "not"."""

    kind: str
    parts: tuple["Term | Group", ...]


Node = Term | Group
EVERYTHING = Group("and", ())


def parse(text: str | None) -> Node:
    """Read a search; what does not parse (a stray bracket) is left out rather than refused."""
    tokens = [match.group("paren") or match.group("word") or "" for match in TOKEN.finditer(text or "")]
    return _Parser([token for token in tokens if token]).any_of()


def terms(node: Node) -> Iterator[Term]:
    """Yield every term."""
    if isinstance(node, Term):
        yield node
        return
    for part in node.parts:
        yield from terms(part)


def required(node: Node) -> Iterator[Term]:
    """Yield the terms that every hit must match."""
    if isinstance(node, Term):
        yield node
    elif node.kind == "and":
        for part in node.parts:
            yield from required(part)


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def any_of(self) -> Node:
        parts = [self.all_of()]
        while self.peek() == "OR":
            self.place += 1
            if self.peek():
                parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else Group("or", tuple(parts))

    def all_of(self) -> Node:
        parts: list[Node] = []
        while self.peek() not in ("", ")", "OR"):
            parts.extend(self.one())
        if self.peek() == ")" and self.place == len(self.tokens) - 1:
            self.place += 1
        return parts[0] if len(parts) == 1 else Group("and", tuple(parts))

    def one(self) -> list[Node]:
        word = self.peek()
        self.place += 1
        if word == "AND":
            return []
        if word == "NOT":
            return [Group("not", tuple(self.one()))] if self.peek() else []
        if word == "(":
            inner = self.any_of()
            if self.peek() == ")":
                self.place += 1
            return [inner]
        if word.startswith("-") and len(word) > 1:
            return [Group("not", (_term(word[1:])[0],))]
        return list(_term(word))


def _term(token: str) -> list[Node]:
    """Read one word; unquoted colons after the first start terms of their own."""
    pieces = _split(token)
    if len(pieces) == 1:
        value, phrase = _clean(pieces[0])
        return [Term("", "", value, phrase)]
    found: list[Node] = []
    for field, raw in zip(pieces[::2], pieces[1::2], strict=False):
        match = OPERATOR.fullmatch(raw)
        assert match is not None
        value, phrase = _clean(match.group(2))
        found.append(Term(field, match.group(1) or "", value, phrase))
    return found


def _split(token: str) -> list[str]:
    """Split at colons outside quotes that are not escaped."""
    pieces = [""]
    quote = ""
    escaped = False
    for letter in token:
        if letter in "\"'" and not escaped and quote in ("", letter):
            quote = "" if quote else letter
        if letter == ":" and not quote and not escaped:
            pieces.append("")
        else:
            pieces[-1] += letter
        escaped = letter == "\\" and not escaped
    return pieces


def _clean(raw: str) -> tuple[str, bool]:
    phrase = len(raw) > 1 and raw[0] in "\"'" and raw[-1] == raw[0]
    value = raw[1:-1] if phrase else raw
    return re.sub(r"\\(.)", r"\1", value), phrase


def parsed_form(node: Node, hours: int) -> dict[str, Any]:
    """Write what was understood, as `extensions.search[].parsed` shows it."""
    if isinstance(node, Group):
        return {node.kind: [parsed_form(part, hours) for part in node.parts]}
    if node.operator:
        bound = f"range_{'lte' if node.operator[0] == '<' else 'gte'}"
        return {"field": node.field, bound: _bound_text(node, hours)}
    return {"field": node.field or "default", "match_phrase" if node.phrase else "match_all": node.value}


def _bound_text(term: Term, hours: int) -> str:
    try:
        return date(term, hours)[0].isoformat()
    except ValueError:
        return term.value


def date(term: Term, hours: int) -> tuple[datetime, timedelta]:
    """Return the moment a term names and how much time its precision covers; ValueError when it is no date."""
    text = term.value
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    span = timedelta(days=1) if len(text) <= 10 else timedelta(hours=1) if len(text) <= 13 else timedelta(seconds=1)
    return moment, span


def date_matches(value: datetime | None, term: Term, hours: int) -> bool:
    """Compare a date with a term; both bounds are inclusive whatever the operator says."""
    try:
        moment, span = date(term, hours)
    except ValueError as error:
        raise bad_request(f"Invalid timestamp for query filter `{term.field}`.") from error
    if value is None:
        return False
    if term.operator.startswith(">"):
        return value >= moment
    if term.operator.startswith("<"):
        return value <= moment
    return moment <= value < moment + span


def number_matches(value: int, term: Term) -> bool:
    """Compare a number with a term."""
    if not re.fullmatch(r"-?\d+", term.value):
        return False
    bound = int(term.value)
    checks = {">": value > bound, ">=": value >= bound, "<": value < bound, "<=": value <= bound, "": value == bound}
    return checks[term.operator]


def words(text: str | None) -> list[str]:
    """Split text into the words search knows."""
    return WORDS.findall((text or "").casefold())


def text_matches(value: str | None, term: Term) -> bool:
    """Match words in a row, without regard to case; `*` at the end matches the start of a word."""
    if term.value == "*":
        return bool(value)
    wanted, have = words(term.value.removesuffix("*")), words(value)
    if not wanted:
        return not have and term.value == ""
    size = len(wanted)
    for start in range(len(have) - size + 1):
        run = have[start : start + size]
        if run == wanted or (term.value.endswith("*") and run[:-1] == wanted[:-1] and run[-1].startswith(wanted[-1])):
            return True
    return False


def choice_matches(values: set[str], term: Term) -> bool:
    """Match one of several values; a term may list some with commas."""
    return any(choice.strip().casefold() in values for choice in term.value.split(","))


def flag_matches(value: bool, term: Term) -> bool:
    """Match true or false."""
    return term.value.casefold() == ("true" if value else "false")
