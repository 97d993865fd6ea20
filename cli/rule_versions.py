"""`rulefarm rules history|activate|rollback|cancel|show|diff|export`: the versions of rulesets that are on record.

What is published stands in Postgres under its digest (`store.ruleset_versions`), and every change of what judges on a
trail (`store.publication_trail`). These commands read both, and make a version that is there the active one."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from difflib import ndiff
from pathlib import Path

import click
from sqlalchemy import Engine

from cli.display.instants import to_minute, to_second
from cli.display.output import print_json, print_table
from cli.display.terminal import Line, console, echo
from cli.lookup import check_domain
from cli.options import Instant, complete_domains, domain_argument, json_option, limit_option, read_settings
from cli.who import this_user
from engine import Program
from rulefarm.database import active_digests, connect
from rulefarm.errors import RulefarmError
from rulefarm.plurals import counted
from rulesets.differences import Difference, changed_rules, differences
from rulesets.loader import by_file_name, load_domain
from rulesets.recorded import compile_recorded
from store.publication_trail import Publication, history
from store.publications import activate, rollback
from store.ruleset_versions import find_digest, source_of
from store.schedules import cancel_schedule, pending_schedules

_digest_argument = click.argument("digest")
_version_argument = click.argument("named", metavar="DIGEST|DOMAIN", shell_complete=complete_domains)
_note_option = click.option("--note", help="Why: kept beside who and when.")
_STYLES = {"added": "green", "removed": "red", "changed": "yellow", "moved": "blue"}


@click.command("history")
@click.argument("domain", required=False, shell_complete=complete_domains)
@click.option("--rule", metavar="NAME", help="Only what added, removed, changed or moved this rule, or table.")
@limit_option("At most so many, newest first.")
@json_option
def show_history(domain: str | None, rule: str | None, limit: int, as_json: bool) -> None:
    """Show who made which ruleset the active one, when and why, newest first.

    A schedule is carried out by the row that follows it. --rule reads every version that was published.
    """
    engine = connect(read_settings())
    check_domain(engine, domain)
    found = history(engine, domain, limit=None if rule else limit)
    if rule:
        found = _touching(engine, found, rule)[:limit]
    pending = {one.id for one in pending_schedules(engine)}
    active = active_digests(engine)
    if as_json:
        print_json([_to_json(one, active, pending) for one in found])
        return
    rows = [
        (
            one.id,
            to_second(one.published_at),
            one.domain,
            _told(one, pending),
            one.digest[:12] + (" active" if active.get(one.domain) == one.digest else ""),
            one.published_by or "",
            one.note or "",
        )
        for one in found
    ]
    none = f"nothing on record touched {rule!r}" if rule else "nothing was published yet"
    print_table(("id", "when", "domain", "what", "digest", "who", "why"), rows, none=none)


def _told(one: Publication, pending: Iterable[int]) -> str:
    if one.action == "schedule":
        return f"schedule for {to_minute(one.active_from, zone=True)}{'' if one.id in pending else ', ended'}"
    return f"{one.action} of {one.follows}" if one.follows else one.action


def _to_json(one: Publication, active: dict[str, str], pending: Iterable[int]) -> dict[str, object]:
    state = {"active": active.get(one.domain) == one.digest, "pending": one.id in pending}
    return {name: getattr(one, name) for name in Publication.__slots__} | state


def _touching(engine: Engine, found: list[Publication], rule: str) -> list[Publication]:
    """Of the publications those whose version has a rule that the one before had not, or had otherwise."""
    compiled: dict[str, Program] = {}

    def version(domain: str, digest: str | None) -> Program:
        if digest is None:
            return compile_recorded({})
        if digest not in compiled:
            compiled[digest] = compile_recorded(source_of(engine, domain, digest))
        return compiled[digest]

    return [
        one
        for one in found
        if changed_rules(differences(version(one.domain, one.parent), version(one.domain, one.digest)), rule)
    ]


@click.command("activate")
@_digest_argument
@_note_option
@click.option("--at", type=Instant(), help="From this instant on. Default: now.")
def activate_digest(digest: str, note: str | None, at: datetime | None) -> None:
    """Make a ruleset that is on record the active one of its domain again.

    DIGEST is the beginning of its digest: 'rulefarm rules history' has them. Workers go over to it within seconds.
    """
    engine = connect(read_settings())
    domain, whole = find_digest(engine, digest)
    # Whether the engine of today takes it is better known before than after.
    compile_recorded(source_of(engine, domain, whole))
    if not activate(engine, domain, whole, by=this_user(), note=note, at=at):
        echo(f"{domain}: {whole[:12]} is active already")
    else:
        echo(f"{domain}: {whole[:12]} is active" + (f" from {at} on" if at else ""))


@click.command("rollback")
@domain_argument
@_note_option
def roll_back(domain: str, note: str | None) -> None:
    """Take back the newest change of what judges: what was active before it is again.

    Done twice, it goes two versions back. A version that was taken back stays on record: 'rulefarm rules activate'.
    """
    engine = connect(read_settings())
    check_domain(engine, domain)
    undone = rollback(engine, domain, by=this_user(), note=note)
    echo(f"{domain}: {active_digests(engine)[domain][:12]} is active again; {undone.digest[:12]} is taken back")


@click.command("cancel")
@domain_argument
@_note_option
def cancel(domain: str, note: str | None) -> None:
    """Drop what was to become active later, by 'publish --at' or 'activate --at'."""
    engine = connect(read_settings())
    check_domain(engine, domain)
    dropped = cancel_schedule(engine, domain, by=this_user(), note=note)
    echo(f"{domain}: {dropped.digest[:12]} does not become active at {to_minute(dropped.active_from, zone=True)}")


@click.command("show")
@_version_argument
@json_option
def show(named: str, as_json: bool) -> None:
    """Print the files of a ruleset that is on record: by the beginning of its digest, or the active one of a domain."""
    engine = connect(read_settings())
    domain, whole = _on_record(engine, named)
    files = {name: _text(content) for name, content in by_file_name(source_of(engine, domain, whole)).items()}
    if as_json:
        print_json({"domain": domain, "digest": whole, "files": files})
        return
    for name, content in files.items():
        echo(f"== {domain}/{name}")
        echo(content if content is not None else "a workbook: see 'rulefarm rules export'", lines=True)


def _text(content: bytes) -> str | None:
    """The text of a file; None: it is none."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


@click.command("diff")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@json_option
def diff(before: str, after: str, as_json: bool) -> None:
    """Show what B has otherwise than A: rules, rows of tables and fields, added, removed, changed or moved.

    A and B are each the beginning of a digest, a domain for what judges it now, or the folder of a domain (with a
    slash: ./pricing). Comments are no difference.
    """
    engine = connect(read_settings())
    found = differences(_version(engine, before), _version(engine, after))
    if as_json:
        print_json([one.to_json() for one in found])
        return
    for one in found:
        _print(one)
    counts = Counter[str](one.kind for one in found)
    echo(", ".join(f"{counts[kind]} {kind}" for kind in _STYLES) if found else "both judge alike")


def _version(engine: Engine, named: str) -> Program:
    folder = Path(named)
    if "/" in named or named in (".", ".."):
        folder = folder.resolve()
        return load_domain(folder.parent, folder.name).program
    return compile_recorded(source_of(engine, *_on_record(engine, named)))


def _on_record(engine: Engine, named: str) -> tuple[str, str]:
    """Domain and digest of the active ruleset of a domain, or of the one whose digest begins so."""
    active = active_digests(engine)
    return (named, active[named]) if named in active else find_digest(engine, named)


def _print(one: Difference) -> None:
    out = console()
    out.print(Line(f"{one.kind} {one.name}", style=_STYLES[one.kind]))
    if one.kind == "moved":
        return
    for line in ndiff((one.before or "").splitlines(), (one.after or "").splitlines()):
        if line[0] != "?":
            out.print(Line(f"  {line}", style={"-": "red", "+": "green"}.get(line[0], "")))


@click.command("export")
@_version_argument
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def export(named: str, folder: Path) -> None:
    """Write the files of a ruleset that is on record into DIR, which must be empty or not there.

    It is named by the beginning of its digest, or by its domain, if it is the active one. DIR is then
    the folder of the domain: edit it, see 'rulefarm rules diff', and publish it.
    """
    engine = connect(read_settings())
    domain, whole = _on_record(engine, named)
    files = by_file_name(source_of(engine, domain, whole))
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            message = f"{folder} is there already, and is not an empty folder"
            raise RulefarmError("folder-in-use", message, "name another")
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise RulefarmError("unwritable-folder", f"{folder} can't be written to: {error.strerror}") from None
    echo(f"{domain}: {whole[:12]}: {counted(len(files), 'file')} in {folder}")
    if folder.resolve().name != domain:
        echo(f"a folder is published as the domain that it is called: call it {domain!r} before", err=True)
