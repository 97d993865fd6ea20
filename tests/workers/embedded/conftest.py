"""Homes for embedded services."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers.embedded.serving import forget


@pytest.fixture
def folder(real_services: None) -> Iterator[Path]:
    """A folder that, unlike those of pytest, every user may pass: as root the data then stays in the home."""
    path = Path(tempfile.mkdtemp(prefix="rulefarm-test-"))
    path.chmod(0o711)
    yield path
    forget(path / "home")
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def home(real_services: None) -> Iterator[Path]:
    """One home for the tests that start it again and again; the first start is the slow one."""
    with tempfile.TemporaryDirectory(prefix="rulefarm-test-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "home"


@pytest.fixture
def private(real_services: None, tmp_path: Path) -> Iterator[Path]:
    """A folder that only its owner may pass."""
    path = tmp_path / "private"
    path.mkdir(mode=0o700)
    yield path
    forget(path / "home")
