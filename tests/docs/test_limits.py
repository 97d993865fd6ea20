"""The page of limits says what the code does."""

import re
from pathlib import Path

from rulefarm import limits

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
#: Where something is refused by a code of its own.
REFUSING = (
    "client/rulefarm/normalize.py",
    "client/rulefarm/wire.py",
    "client/rulefarm/routing.py",
    "client/rulefarm/messaging/messages.py",
    "workers/consumer/message_checks.py",
    "workers/consumer/consumer.py",
)


def test_the_page_lists_every_limit_with_its_value() -> None:
    listed = dict(re.findall(r"^\| `(MAX_[A-Z]+(?:_[A-Z]+)*)`:[^|]*\| ([\d,]+)", PAGE, re.MULTILINE))
    constants = {name: f"{value:,}" for name, value in vars(limits).items() if name.startswith("MAX_")}
    assert listed == constants


def test_the_page_lists_every_code_of_a_refusal() -> None:
    code = re.compile(r'(?:JobRejected|Failure)\(\s*"([a-z-]+)"')
    raised = {found for path in REFUSING for found in code.findall((ROOT / path).read_text(encoding="utf-8"))}
    listed = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", PAGE))
    assert raised <= listed
    assert len(raised) > 15
