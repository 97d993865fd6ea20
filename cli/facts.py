"""`rulefarm facts`: load, show and delete the reference facts that jobs are judged with."""

from itertools import islice
from pathlib import Path

import click

from cli.display.output import print_json
from cli.display.terminal import echo
from cli.options import json_option, limit_option, read_facts, read_settings, show_private_option, source_options
from rulefarm.batch import SourceOptions
from rulefarm.database import connect
from rulefarm.errors import NotFound
from rulefarm.plurals import counted
from rulefarm.reference_facts import ReferenceFacts
from rulesets.loader import SHIPPED, declared_fact
from store.private_view import PrivateView
from tasks.fact_files import read_pairs


@click.group("facts")
def command() -> None:
    """Keep reference facts in Redis, for domains that look them up."""


@command.command("load")
@click.argument("fact")
@click.argument("source", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--key", metavar="COLUMN", help="Column that the fact is looked up by; default: the first.")
@source_options
@json_option
def load(
    fact: str,
    source: Path,
    key: str | None,
    sheet: str | None,
    encoding: str | None,
    decimal: str | None,
    as_json: bool,
) -> None:
    """Put every row of FILE (csv, parquet, xlsx, jsonl or sql), in the place of what was there under its key.

    Facts that FILE does not name stay. If it breaks off, load it again: what was kept is kept once more.
    """
    settings = read_settings()
    root = settings.rulesets or SHIPPED
    options = SourceOptions(subject=key, sheet=sheet, encoding=encoding, decimal=decimal)
    pairs = read_pairs(source, options, declared=lambda: declared_fact(root, fact), database_url=settings.source_url)
    kept = _facts().put_many(fact, pairs)
    if as_json:
        print_json({"fact": fact, "loaded": kept})
    else:
        echo(f"{counted(kept, 'fact')} {fact} loaded from {source}")


@command.command("put")
@click.argument("fact")
@click.argument("key")
@click.argument("fields", metavar="FILE")
@json_option
def put(fact: str, key: str, fields: str, as_json: bool) -> None:
    """Put one fact: its fields are the object in FILE (JSON; - is standard input)."""
    _facts().put(fact, key, read_facts(fields))
    if as_json:
        print_json({"fact": fact, "key": key})
    else:
        echo(f"{fact} {key} is kept")


@command.command("get")
@click.argument("fact")
@click.argument("key")
@show_private_option
@json_option
def get(fact: str, key: str, show_private: bool, as_json: bool) -> None:
    """Print one fact. It is JSON with --json and without."""
    document = _facts().get(fact, key)
    if document is None:
        raise NotFound("no-such-fact", f"there is no {fact} {key}", f"'rulefarm facts list {fact}' shows the keys")
    settings = read_settings()
    if settings.database_url and not show_private:
        # By what is published: where nothing is, nobody has said what is private.
        document = PrivateView(connect(settings), everything=False).reference_fact(fact, document)
    print_json(document)


@command.command("delete")
@click.argument("fact")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@json_option
def delete(fact: str, keys: tuple[str, ...], as_json: bool) -> None:
    """Forget facts; one that is not there is no error."""
    gone = _facts().delete(fact, *keys)
    if as_json:
        print_json({"fact": fact, "deleted": gone})
    else:
        echo(f"{counted(gone, 'fact')} {fact} deleted")


@command.command("list")
@click.argument("fact")
@limit_option("Show at most so many.", 100)
@json_option
def list_keys(fact: str, limit: int, as_json: bool) -> None:
    """Print the keys of a fact, in no order."""
    # Redis may name a key twice while its table grows.
    keys = list(dict.fromkeys(islice(_facts().list(fact), limit)))
    if as_json:
        print_json(keys)
    elif not keys:
        echo(f"no fact {fact} is kept", err=True)
    else:
        for key in keys:
            echo(key)


def _facts() -> ReferenceFacts:
    return ReferenceFacts(read_settings().require_facts())
