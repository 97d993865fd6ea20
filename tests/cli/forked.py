"""Run the command in a process of its own that need not import everything anew.  tests -> [forked] -> cli.main

Hundreds of commands are run here, and what they import takes longer than what they do. So a server imports it once and
forks a process for each command: with its own directory, environment, streams and exit code, like one that a shell
starts. The real start is that of the farms that tests run."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cli.main import main

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.cli.preloaded"])


def run_forked(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: str,
    timeout_s: float,
    without: str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `rulefarm` with arguments to its end; `without` a module, as if it were not installed.

    Raises:
        subprocess.TimeoutExpired: it hangs; it is killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_text(stdin, encoding="utf-8")
        process = _SERVER.Process(target=_command, args=(arguments, cwd, dict(env), streams, without))
        process.start()
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["rulefarm", *arguments], timeout_s)
        said = [path.read_text(encoding="utf-8") if path.exists() else "" for path in streams[1:]]
        return subprocess.CompletedProcess(["rulefarm", *arguments], process.exitcode, *said)


def _command(
    arguments: Sequence[str], cwd: Path, env: dict[str, str], streams: Sequence[Path], without: str | None
) -> None:
    if without is not None:
        sys.modules[without] = None  # type: ignore[assignment] - Python's own sign for it
    for number, (path, mode) in enumerate(zip(streams, ("rb", "wb", "wb"), strict=True)):
        with path.open(mode) as file:
            os.dup2(file.fileno(), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["rulefarm", *arguments]
    main()
