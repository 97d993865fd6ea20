"""A real browser beside a test: Debian's chromium, driven by playwright; and axe-core, which finds what keeps people
from using a page.

`make` lays the browser into the environment, with the libraries it needs, without installing it. Where one of the three
is missing, tests that open a browser are skipped, and say so."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

_DRIVER = pytest.importorskip("playwright.sync_api", reason="playwright is not installed, which drives a browser")
#: Where the script is: the package around it has a call of its own, which makes of what is found a text for people.
_AXE = find_spec("axe_playwright_python")
#: Where `make` lays the packages.
_PACKAGES = Path(sys.prefix) / "chromium"
_NAME = "chromium-headless-shell"


def browser_program() -> str:
    """The path of the browser; the test is skipped where it can't be had."""
    for found in (_PACKAGES / "usr" / "lib" / "chromium" / _NAME, shutil.which(_NAME), shutil.which("chromium")):
        if found is not None and Path(found).exists():
            return str(found)
    pytest.skip("chromium is not installed, and Debian's package of it can't be had here")


def axe() -> str:
    """The script of axe-core."""
    if _AXE is None or _AXE.origin is None:
        pytest.skip("axe-core is not installed")
    return (Path(_AXE.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@contextmanager
def open_browser() -> Iterator[Any]:
    """A browser without a window, for as long as a block lasts."""
    program = browser_program()
    folders = [*_PACKAGES.glob("usr/lib/*-linux-gnu"), *_PACKAGES.glob("lib/*-linux-gnu")]
    environ = {**os.environ, "LD_LIBRARY_PATH": ":".join(f"{folder}:{folder}/pulseaudio" for folder in folders)}
    if not Path("/etc/fonts/fonts.conf").exists():
        environ["FONTCONFIG_FILE"] = str(_fonts())
    with _DRIVER.sync_playwright() as driver:
        # The sandbox of chromium will not have root for its user, and what it opens here are our own pages.
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"], env=environ)
        try:
            yield browser
        finally:
            browser.close()


def _fonts() -> Path:
    """Where letters are: without it, on a machine that has no fonts of its own, every page is blank."""
    listed = _PACKAGES / "fonts.conf"
    listed.write_text(f"<fontconfig><dir>{_PACKAGES / 'usr/share/fonts'}</dir></fontconfig>\n", encoding="utf-8")
    return listed
