"""What the documentation tells a reader to type works, in the order in which it is told, on the farm that ships."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.forked import run_forked
from tests.processes import until

ROOT = Path(__file__).parents[2]
#: Pages whose commands build on files of theirs, and are run with them by a test of the page.
WITH_FILES = {"audit.md", "changing-rules.md"}
PAGES = [
    ROOT / "README.md",
    *sorted(page for page in (ROOT / "docs").glob("*.md") if page.name not in WITH_FILES),
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "client/README.md")),
]
BIN = Path(sys.executable).parent


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """The commands of a page: the lines of its console blocks that begin with a dollar."""
    return [line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def environ(real_services: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """`rulefarm up` in a home of its own, ready; it must stop when it is told to."""
    home = tmp_path_factory.mktemp("up") / "home"
    environ = os.environ | {
        "RULEFARM_HOME": str(home),
        "RULEFARM_FLOWER_PORT": "45555",
        # The one farm stands for each region that a page names.
        "RULEFARM_REGION_SG_HOME": str(home),
        "RULEFARM_REGION_US_HOME": str(home),
        "PATH": f"{BIN}:{os.environ['PATH']}",
    }
    log_path = home.with_name("up.log")
    with log_path.open("wb") as log:
        up = subprocess.Popen(["rulefarm", "up"], env=environ, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            until(lambda: run("rulefarm status", environ).stdout.count("@") >= 4, 90, every_s=0.5)
            yield environ
        finally:
            up.send_signal(signal.SIGTERM)
            assert up.wait(60) == 0, log_path.read_text()[-3000:]


def run(command: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    program, *arguments = shlex.split(command)
    if program == "rulefarm":
        return run_forked(arguments, cwd=ROOT, env=environ, stdin="", timeout_s=120)
    return subprocess.run(
        [program, *arguments], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


def told() -> list[tuple[str, str]]:
    """Page and command, in order. What only looks at the rules says the same on every page: it is run for the first."""
    found: dict[tuple[str, str], None] = {}
    for page in PAGES:
        for command in commands(page):
            seen = {known for _, known in found}
            if command != "rulefarm up" and not (command.startswith("rulefarm rules ") and command in seen):
                found[page.name, command] = None
    return list(found)


@pytest.mark.parametrize(("page", "command"), told())
def test_a_documented_command_works(environ: dict[str, str], page: str, command: str) -> None:
    done = run(command, environ)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("page", "n"), [(page, n) for page in PAGES for n, _ in enumerate(blocks(page, "python"))])
def test_a_documented_program_works(environ: dict[str, str], page: Path, n: int) -> None:
    code = blocks(page, "python")[n]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # What stands behind a print is what it prints; after a semicolon it goes on in words, and … is whatever comes.
    promised = re.findall(r"^ *print\(.*\)  # (.*?)(?:; .*)?$", code, re.MULTILINE)
    printed = done.stdout.splitlines()
    assert len(promised) == code.count("print(") == len(printed)
    for promise, line in zip(promised, printed, strict=True):
        assert re.fullmatch(re.escape(promise).replace("…", ".*"), line), f"{line!r}, and not {promise!r}"


def test_the_pages_name_no_package_that_nobody_can_install() -> None:
    for page in PAGES:
        assert not re.findall(r"pip install '?rulefarm", page.read_text(encoding="utf-8")), page.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
