"""Reads a page as a strict reader would: balanced tags, unique ids, a label for every field, nothing that the CSP forbids."""

from html.parser import HTMLParser

__all__ = ["Read", "read"]

_VOID = {"meta", "link", "input", "br", "img", "hr"}
_FIELDS = {"input", "select", "textarea"}
_ONCE = ("title", "h1", "main")


class Read(HTMLParser):
    """A page as it was read. `problems` says what is wrong; `text` is what a person reads."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fields: list[dict[str, str]] = []
        self.buttons: list[str] = []
        self.counts: dict[str, int] = {}
        self.words: list[str] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._labels: set[str] = set()
        self._mentions: list[str] = []
        self._button: list[str] | None = None

    @property
    def text(self) -> str:
        """All words, a space between each two."""
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if len(values) != len(attrs):
            self.problems.append(f"<{tag}> has an attribute twice")
        inside = tag if not any(name == "svg" for name, _ in self._open) else f"svg {tag}"
        self.counts[inside] = self.counts.get(inside, 0) + 1
        self._attributes(tag, values)
        if tag in _FIELDS:
            self.fields.append(values)
        if tag == "button":
            self._button = []
        if tag not in _VOID:
            self._open.append((tag, values))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            self.problems.append(f"</{tag}> closes {self._open[-1:] or 'nothing'} in line {self.getpos()[0]}")
            return
        self._open.pop()
        if tag == "button" and self._button is not None:
            self.buttons.append(" ".join(" ".join(self._button).split()))
            self._button = None

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._button is not None:
            self._button.append(data)

    def finish(self) -> None:
        """Judge what can be judged only at the end."""
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag, _ in self._open]
        self.problems += [
            f"{tag} is there {self.counts.get(tag, 0)} times" for tag in _ONCE if self.counts.get(tag) != 1
        ]
        self.problems += [f"nothing has the id {one}" for one in self._mentions if one not in self.ids]
        self.problems += [f"the field {one} has no label" for one in self.fields if not self._labelled(one)]
        self.problems += ["a button says nothing" for one in self.buttons if not one]

    def _labelled(self, field: dict[str, str]) -> bool:
        return field.get("type") == "hidden" or "aria-label" in field or field.get("id") in self._labels

    def _attributes(self, tag: str, values: dict[str, str]) -> None:
        if tag in {"script", "style", "iframe", "object"} or "style" in values:
            self.problems.append(f"<{tag}> or its style attribute breaks the CSP")
        self.problems += [f"<{tag} {name}> is a script" for name in values if name.startswith("on")]
        if tag == "html" and not values.get("lang"):
            self.problems.append("the page names no language")
        if tag == "img" and "alt" not in values:
            self.problems.append("a picture without words")
        if tag == "svg" and not values.get("aria-label"):
            self.problems.append("a chart without words")
        if tag == "th" and not values.get("scope"):
            self.problems.append("a table's head without scope")
        if tag == "td" and "data-label" not in values and values.get("class") != "do":
            self.problems.append("a cell that has no name on a phone")
        self._names(tag, values)

    def _names(self, tag: str, values: dict[str, str]) -> None:
        if "id" in values:
            if values["id"] in self.ids:
                self.problems.append(f"the id {values['id']} is there twice")
            self.ids.add(values["id"])
        if tag == "label":
            self._labels.add(values.get("for", ""))
        for name in ("for", "aria-labelledby", "aria-describedby"):
            self._mentions += values.get(name, "").split()
        if tag == "a":
            self.links.append(values.get("href", ""))
        if values.get("href", "").partition(":")[0] in {"javascript", "data", "http", "https"}:
            self.problems.append(f"a link leads away: {values['href']}")


def read(html: str) -> Read:
    """Read a page."""
    page = Read()
    page.feed(html)
    page.finish()
    return page
