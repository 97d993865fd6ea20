"""The page of errors has every code that the source can give, and no other, each with a cause and a remedy."""

import ast
import re
from collections import Counter

import click
import pytest

from cli.main import cli
from tests.docs.error_codes import Codes, codes_in_source, codes_of
from tests.docs.errors_page import PAGE, page, sections

#: Ways to give a code, each of which is found: what a module says, and the codes in it.
WAYS = {
    'raise Failed("by-place", "what")': {"by-place"},
    'raise Failed(code="by-name", message="what")': {"by-name"},
    'raise Narrower("by-heir", "what")': {"by-heir"},
    'def f(bad):\n    raise Failed("if-so" if bad else "if-not", "what")': {"if-so", "if-not"},
    'SOME = "of-a-constant"\ndef f():\n    raise Failed(SOME, "what")': {"of-a-constant"},
    'def f():\n    code, why = "of-a-pair", "what"\n    raise Failed(code, why)': {"of-a-pair"},
    'def f(path, report):\n    report(path, "behind-others", "what")': {"behind-others"},
    'row = {"code": "of-a-row"}': {"of-a-row"},
    'x.values(code="of-a-column")': {"of-a-column"},
    'refusal = ("put-together", "elsewhere")\ndef f(facts):\n    evaluated(*facts.refusal)': {"put-together"},
    'class Begun(Failed):\n    def __init__(self):\n        super().__init__("of-its-own", "what")': {"of-its-own"},
    'class Made(Failed):\n    @classmethod\n    def of(cls):\n        return cls("of-a-maker", "what")': {"of-a-maker"},
    'def f(outage):\n    raise Failed(f"facts-{outage.code}", "what")': {
        *("facts-unreachable", "facts-read-only", "facts-full", "facts-busy", "facts-refused")
    },
    'log("no-code")\nx = {"name": "no-code-either"}': set(),
}
#: Codes that can't be read.
UNREADABLE = (
    "raise Failed(some.thing, 'what')",
    "raise Failed(f'{what}-unsupported', 'what')",
    "raise Failed('no' + '-farm', 'what')",
    "def f(reason):\n    raise Narrower(reason, 'what')",
)
KNOWN = """
class Failed(Exception):
    def __init__(self, code: str, message: str) -> None: ...
class Narrower(Failed): ...
def report(node, code: str, message: str) -> None: ...
def evaluated(code: str, message: str) -> None: ...
"""


@pytest.fixture(scope="module")
def found() -> Codes:
    return codes_in_source()


def listed() -> dict[str, tuple[str, str]]:
    return {code: texts for section in sections() for code, texts in section.codes.items()}


def test_every_code_of_the_source_is_on_the_page(found: Codes) -> None:
    known = listed()
    missing = {code: sorted(places) for code, places in found.places.items() if code not in known}
    assert not missing, "put cause and remedy into docs/errors.toml, then: python -m tests.docs.errors_page"


def test_every_code_on_the_page_is_in_the_source(found: Codes) -> None:
    assert not listed().keys() - found.places.keys(), "nothing gives these codes any more: take them out"


def test_no_code_in_the_source_is_beyond_reading(found: Codes) -> None:
    assert not found.unread, "write the code out where it is handed over, or call what hands it on `code`"


def test_no_code_stands_twice() -> None:
    assert [code for code, times in Counter(c for s in sections() for c in s.codes).items() if times > 1] == []


def test_each_has_a_cause_and_a_remedy_without_a_full_stop() -> None:
    flawed = [code for code, texts in listed().items() if not all(text and text[-1] not in ".;" for text in texts)]
    assert flawed == []


def test_the_commands_that_remedies_name_are_there() -> None:
    named = {words for _, text in listed().values() for words in re.findall(r"`rulefarm ((?:[a-z-]+ ?)+)", text)}
    assert len(named) > 10
    for words in named:
        group: click.Command = cli
        for word in words.split():
            if not isinstance(group, click.Group) or word.startswith("-"):
                break
            group = group.get_command(click.Context(group), word) or pytest.fail(f"no command {words!r}")


def test_the_page_is_made_of_the_file() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.docs.errors_page"


@pytest.mark.parametrize("text", WAYS)
def test_a_code_is_found_however_it_is_given(text: str) -> None:
    found = codes_of({"known.py": ast.parse(KNOWN), "a.py": ast.parse(text)})
    assert (set(found.places), found.unread) == (WAYS[text], [])


@pytest.mark.parametrize("text", UNREADABLE)
def test_a_code_that_cannot_be_read_is_told(text: str) -> None:
    found = codes_of({"known.py": ast.parse(KNOWN), "a.py": ast.parse(text)})
    assert len(found.unread) == 1
    assert found.unread[0].startswith("a.py:")
