"""Faults of the rulesets on disk: edited, saved by half, deleted.  DrillContext -> [ruleset_faults] -> the folder

What is published judges, whatever lies there; so every verdict has to be that of the rulesets as they ship. The folder
is the drill's own copy, and stays as a fault left it until the next one of the kind."""

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rulesets.folders import SCHEMA_FILE
from rulesets.loader import SHIPPED
from workers.drill.context import DrillContext, Fault, Injection
from workers.drill.subjects import DOMAINS

#: In order, and true of everything: whoever judged by it would say so.
_EDIT = '\nrule "EditedOnDisk" salience 1000000 {\n    when 1 == 1\n    then Reject("edited on disk");\n}\n'
#: Seconds within which a worker that was killed has to have a pool again.
_BACK_S = 120.0


def copy_rulesets(folder: Path) -> Path:
    """The rulesets of the drill's farm as they ship, in a folder that may be damaged; gives the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for domain in DOMAINS:
        shutil.copytree(SHIPPED / domain, folder / domain)
    return folder


def damage_rulesets(context: DrillContext) -> Injection:
    """Two domains, each in another way; and a worker is killed, so that it starts from what it finds then."""
    folder = context.farm.settings.rulesets
    assert folder is not None
    copy_rulesets(folder)
    ways = context.rng.sample(sorted(_WAYS), len(DOMAINS))
    for domain, way in zip(DOMAINS, ways, strict=True):
        _WAYS[way](folder / domain)
    part = context.rng.choice(context.workers)
    before = context.pid(part)
    with suppress(ProcessLookupError):
        os.killpg(before, signal.SIGKILL)
    context.wait_for(lambda: context.pid(part) != before and context.pool(part), f"{part} does not come back", _BACK_S)
    return Injection(", ".join(f"{domain}: {way}" for domain, way in zip(DOMAINS, ways, strict=True)), part)


def _edit(domain: Path) -> None:
    rules = _rules(domain)
    rules.write_text(rules.read_text(encoding="utf-8") + _EDIT, encoding="utf-8")


def _save_by_half(domain: Path) -> None:
    rules = _rules(domain)
    rules.write_bytes(rules.read_bytes()[: rules.stat().st_size // 2])


def _empty(domain: Path) -> None:
    _rules(domain).write_bytes(b"")


def _delete_schema(domain: Path) -> None:
    (domain / SCHEMA_FILE).unlink()


def _rules(domain: Path) -> Path:
    return min(domain.glob("*.grl"))


_WAYS: dict[str, Callable[[Path], None]] = {
    "edited": _edit,
    "saved by half": _save_by_half,
    "emptied": _empty,
    "schema deleted": _delete_schema,
    "deleted": shutil.rmtree,
}

FAULTS = (
    Fault(
        "edit",
        "edit, half-save and delete rulesets on disk, and kill -9 a worker",
        damage_rulesets,
        takes_s=3,
        pause_factor=2,
    ),
)
