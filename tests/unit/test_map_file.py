"""`map.toml`: what it reads as, and that whatever is wrong with it is named with its line."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.config import ConfigError, Loaded, load
from bridge.config.listing_map import read_map
from bridge.domain.listing_map import Category, ListingMap

SHIRTS = '[[category]]\ntag = "shirts"\nid = "15687"\nfixed = { Brand = "Acme" }\n\n[category.options]\nSize = "size"\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As a marketplace's connector has them."""

    url: str = field(default="", metadata={"help": "the address"})
    listing_map: ListingMap = field(default_factory=ListingMap, metadata={"help": "the categories"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """As a shop's connector has them."""

    url: str = field(default="", metadata={"help": "the address"})


def read(folder: Path, text: str) -> ListingMap:
    file = folder / "map.toml"
    file.write_text(text)
    return read_map(file)


def config(folder: Path, extra: str) -> Loaded:
    (folder / "config.toml").write_text(f'[channels.bay]\nplatform = "square"\n{extra}\n')
    return load(folder / "config.toml", {})


def test_a_map_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, SHIRTS + '[[category]]\nid = "99"\n')
    shirts = Category(tag="shirts", id="15687", fixed={"Brand": "Acme"}, options={"Size": "size"})
    assert found == ListingMap(categories=(shirts, Category(tag="", id="99")))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 0, "category is missing: begin one with [[category]]"),
        ("[[category]]\ntag = 1\nid = ", 3, "this is not TOML"),
        ('[[category]]\ntag = "a"\n', 1, "category.id is missing"),
        ('[[category]]\nid = "1"\n\n[[category]]\nid = "2"\ntags = "b"\n', 6, "unknown key tags: did you mean tag?"),
        ("[[category]]\nid = 7\n", 2, "category.id: input should be a valid string"),
        ('[[category]]\nid = "1"\nfixed = { Brand = 3 }\n', 3, "category.fixed.Brand: input should be a valid string"),
        ('[[categories]]\nid = "1"\n', 1, "unknown key categories: did you mean category?"),
        (
            '[[category]]\nid = "1"\n[[category]]\nid = "2"\ntag = "x"\n',
            3,
            "category 2 is never reached: one without a tag",
        ),
        (SHIRTS + '[[category]]\nid = "2"\ntag = "Shirts"\n', 8, "category 2 is never reached: there is another one"),
    ],
)
def test_what_is_wrong_with_a_map_is_named_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert (line, True) in [(one.line, said in one.text) for one in caught.value.problems], caught.value
    assert str(tmp_path / "map.toml") in str(caught.value)


def test_a_channel_names_its_map_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "bay.toml").write_text(SHIRTS)
    found = config(tmp_path, 'map = "bay.toml"').settings("bay", Settings)
    assert [one.id for one in found.listing_map.categories] == ["15687"]
    assert config(tmp_path, "").settings("bay", Settings).listing_map == ListingMap()


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bay\.toml(.|\n)*cannot be read"):
        config(tmp_path, 'map = "bay.toml"').settings("bay", Settings)


def test_a_map_is_refused_where_nothing_reads_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="square takes products as they are") as caught:
        config(tmp_path, 'map = "bay.toml"').settings("bay", Plain)
    assert caught.value.problems[0].line == 3


def test_the_map_itself_is_no_setting_of_the_config(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unknown key listing_map in channels"):
        config(tmp_path, 'listing_map = "bay.toml"').settings("bay", Settings)
