"""The page for contributors names targets, files and constants that there are; the glossary has one line a word."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_target_that_is_named_is_in_the_makefile(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`make ([a-z]+)`", text) + re.findall(r"^(?:\$ )?make ([a-z]+)", text, re.MULTILINE)
    assert set(named) <= TARGETS


@pytest.mark.parametrize("path", re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", CONTRIBUTING))
def test_a_file_that_contributors_are_sent_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize(
    ("example", "file"),
    [
        ("_TIMES_SENT_AS_WRITTEN", "client/rulefarm/messaging/messages.py"),
        ("0004_plain_names.py", "store/migrations/versions/0004_plain_names.py"),
    ],
)
def test_an_example_of_a_rename_is_still_one(example: str, file: str) -> None:
    assert f"`{example}`" in CONTRIBUTING
    assert example in file or example in (ROOT / file).read_text(encoding="utf-8")


def test_the_glossary_has_one_line_a_word_in_order() -> None:
    sections = re.split(r"^## .*$", GLOSSARY, flags=re.MULTILINE)[1:]
    words = [re.findall(r"^\| ([^|]+) \| [^|]+ \|$", section, re.MULTILINE) for section in sections]
    assert all(len(section) > 20 for section in words)
    for section in words:
        listed = [word for word in section if word not in ("Word", "---")]
        assert listed == sorted(listed, key=str.lower)
    every = [word for section in words for word in section if word not in ("Word", "---")]
    assert len(set(every)) == len(every)
