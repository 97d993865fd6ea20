"""What pip installs: the client alone is light, and the whole carries everything that it needs at run time."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import rulefarm

ROOT = Path(__file__).parents[2]


def pip(*arguments: object, python: Path | str = sys.executable) -> str:
    """What pip prints; it is this environment's, and manages that of another Python."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "--disable-pip-version-check",
        *map(str, arguments),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def source(real_services: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of what git has, so that the build leaves nothing in the checkout; pip asks its index for more."""
    copy = tmp_path_factory.mktemp("source")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    return copy


def test_the_client_alone_installs_without_a_compiler_numpy_or_the_engine(source: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, source / "client")
    [wheel] = tmp_path.glob("*.whl")
    # Beside a shop's own choice of what the whole world depends on.
    pip("install", "--quiet", "--no-compile", "--only-binary", ":all:", "packaging==25.0", wheel, python=python)
    installed = {line.split("==")[0].lower() for line in pip("list", "--format", "freeze", python=python).split()}
    assert "celery" in installed
    pip("check", python=python)
    assert not installed & {"numpy", "polars", "sqlalchemy", "psycopg2-binary", "durable-rules", "google-re2"}
    script = "from rulefarm import Farm, Settings; print(Farm(Settings(broker_url='redis://127.0.0.1:1')).ledger)"
    done = subprocess.run([python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("None", 0), done.stderr
    script = (
        "from rulefarm.testing import MemoryFarm as Farm\n"
        "print(Farm(answers={'payment': 'review'}).evaluate('payment', {'Order': {}}).outcome, flush=True)\n"
        "Farm()"
    )
    done = subprocess.run([python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), "is not installed, which judges" in done.stderr) == ("review", True)
    script = (
        "from rulefarm import Farm, Settings; Farm(Settings(broker_url='redis://h', database_url='postgresql://h'))"
    )
    done = subprocess.run([python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "install rulefarm with its extra: rulefarm[ledger]" in done.stderr


def test_the_whole_carries_the_client_the_rulesets_and_the_migrations(source: Path, tmp_path: Path) -> None:
    pip("wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, source)
    [wheel] = tmp_path.glob("rulefarm_server-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    expected = {
        path.relative_to(source / folder).as_posix() if folder == "client" else path.relative_to(source).as_posix()
        for folder in ("client", "engine", "rulesets", "store", "tasks", "workers", "cli")
        for path in (source / folder).rglob("*")
        if path.suffix in {".py", ".grl", ".toml", ".mako", ".typed"}
        or (path.suffix == ".csv" and folder == "rulesets")
    }
    expected -= {"pyproject.toml"}
    assert expected <= packed, sorted(expected - packed)
    assert any(name.endswith("Procfile") for name in packed)
    assert not {name for name in packed if name.startswith(("tests/", "examples/", "client/"))}


def test_the_client_says_which_version_it_is() -> None:
    for folder in (ROOT, ROOT / "client"):
        [version] = re.findall(r"^version = (.*)$", (folder / "setup.cfg").read_text(), re.MULTILINE)
        assert version == rulefarm.__version__
