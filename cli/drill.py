"""`rulefarm drill`: inject faults into a farm of its own, and check that it keeps its promises."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import click

from cli.display.drill_report import print_report
from cli.display.output import print_json
from cli.display.terminal import echo
from cli.options import Seconds, json_option
from cli.up import migrate_tables
from rulefarm.errors import SettingsError
from workers.drill.drill import run_drill
from workers.drill.faults import FAULTS, select_faults
from workers.drill.plan import Options


@click.command("drill", epilog="Faults: " + ", ".join(FAULTS) + ".")
@click.option("--jobs", type=click.IntRange(1), default=20_000, show_default=True, help="Single jobs to submit.")
@click.option("--batches", type=click.IntRange(0), default=3, show_default=True, help="Batches to submit beside them.")
@click.option("--faults", default="all", show_default=True, help="Names of faults, with commas between.")
@click.option("--seed", default=7, show_default=True, help="Fixes subjects, faults and their times.")
@click.option(
    "--deadline", type=Seconds(0), default=1200.0, show_default=True, help="Seconds until what is open counts as lost."
)
@click.option(
    "--home", type=click.Path(file_okay=False, path_type=Path), help="Folder to keep. Default: kept only if it failed."
)
@json_option
def command(jobs: int, batches: int, faults: str, seed: int, deadline: float, home: Path | None, as_json: bool) -> None:
    """Start a farm, submit jobs and batches, and inject faults while it works: processes are killed and stopped, the
    broker is wiped, Postgres is killed, messages come twice, and some of the work is poison. Then check, apart from the
    farm, that everything accepted has exactly one verdict, the right one, or one dead letter if it is poison.

    The farm has its own Postgres and Valkey in a folder of its own; nothing else is touched. Exit code 0 only if
    nothing was lost, nothing doubled, and the checker found nothing else.
    """
    options = Options(jobs=jobs, batches=batches, faults=tuple(select_faults(faults)), seed=seed, deadline_s=deadline)
    folder = _folder(home)

    def print_progress(at: float | None, line: str) -> None:
        echo(f"{'' if at is None else f'{at:.1f} s':>8}  {line}", err=as_json)

    report = run_drill(options, folder, migrate_tables, environ=os.environ, on_progress=print_progress)
    if home is None and report.passed:
        shutil.rmtree(folder)
    if as_json:
        print_json(report.to_json())
    else:
        print_report(report)
    if folder.exists():
        echo(f"logs, records and sources are in {folder}", err=as_json)
    sys.exit(int(not report.passed))


def _folder(home: Path | None) -> Path:
    if home is None:
        return Path(tempfile.mkdtemp(prefix="rulefarm-drill-"))
    try:
        home.mkdir(parents=True, exist_ok=True)
        is_empty = not any(home.iterdir())
    except OSError as error:
        raise SettingsError("unwritable-folder", f"{home} can't be made or read: {error.strerror}") from None
    if not is_empty:
        raise SettingsError("home-not-empty", f"{home} holds something", "a drill needs an empty folder")
    return home.resolve()
