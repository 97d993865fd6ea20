"""`rulefarm dead-letters`: list, show, retry and drop dead letters, and who did."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from cli.display.instants import to_minute, to_second
from cli.display.output import print_json, print_table
from cli.display.sending import send_or_exit
from cli.display.terminal import Line, console, echo
from cli.lookup import check_domain
from cli.options import domain_option, json_option, limit_option, read_settings, show_private_option
from cli.who import this_user
from rulefarm.database import connect
from rulefarm.messaging import create_app
from rulefarm.plurals import counted
from store.dead_letter_retry import LetterFilter, NotRetryable, count_letters, drop, find_letters, retry_letters
from store.operator_actions import Operator, find_actions
from store.private_view import PrivateView


@click.group("dead-letters")
def command() -> None:
    """Dead letters: jobs and rows of batches that are not tried any more, and messages that were refused."""


_code_option = click.option("--code", help="With this code only.")
_batch_option = click.option("--batch", type=click.UUID, help="Of this batch only.")


def _chosen(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose dead letters (ids, or a filter, or all: exactly one of these)."""

    @click.argument("ids", nargs=-1, type=click.UUID, metavar="[ID]...")
    @click.option("--all", "every", is_flag=True, help="All that there are.")
    @domain_option
    @_code_option
    @_batch_option
    @wraps(function)
    def call(
        ids: tuple[uuid.UUID, ...],
        every: bool,
        domain: str | None,
        code: str | None,
        batch: uuid.UUID | None,
        **others: Any,
    ) -> None:
        filtered = any((domain, code, batch))
        if bool(ids) + every + filtered != 1:
            raise click.UsageError("name dead letters by ID, or say --domain, --code or --batch, or --all")
        function(which=LetterFilter(ids=ids, domain=domain, code=code, batch=batch), **others)

    return call


@command.command("list")
@domain_option
@_code_option
@_batch_option
@limit_option("At most so many, newest first.")
@show_private_option
@json_option
def list_letters(
    domain: str | None, code: str | None, batch: uuid.UUID | None, limit: int, show_private: bool, as_json: bool
) -> None:
    """List dead letters, newest first."""
    engine = connect(read_settings())
    check_domain(engine, domain)
    view = PrivateView(engine, everything=show_private)
    found = find_letters(engine, LetterFilter(domain=domain, code=code, batch=batch), limit=limit)
    letters = [view.letter(letter) for letter in found]
    if as_json:
        print_json(letters)
        return
    rows = [
        (
            letter["id"],
            letter["kind"],
            letter["domain"] or "-",
            letter["subject"] or "-",
            letter["code"],
            to_minute(letter["died_at"]),
        )
        for letter in letters
    ]
    print_table(("id", "kind", "domain", "subject", "code", "died at"), rows, none="no dead letter")


@command.command("show")
@click.argument("ids", nargs=-1, required=True, type=click.UUID, metavar="ID...")
@show_private_option
@json_option
def show(ids: tuple[uuid.UUID, ...], show_private: bool, as_json: bool) -> None:
    """Show dead letters whole: why, after how many attempts, by which worker."""
    engine = connect(read_settings())
    view = PrivateView(engine, everything=show_private)
    letters = [view.letter(letter) for letter in find_letters(engine, LetterFilter(ids=ids))]
    if as_json:
        print_json(letters)
        return
    for letter in letters:
        print_letter(letter)


@command.command("retry")
@_chosen
@json_option
def retry(which: LetterFilter, as_json: bool) -> None:
    """Try jobs and rows of batches again, as if for the first time.

    Refused messages can't be tried again; with a filter or --all they are left.
    """
    settings = read_settings()
    engine = connect(settings)
    check_domain(engine, which.domain)
    for letter in find_letters(engine, which) if which.ids else []:
        if letter["kind"] == "message":
            raise NotRetryable(
                "not-revivable",
                f"{letter['id']} is a refused message, which can't be tried again",
                "whoever sent it has to submit a job; 'rulefarm dead-letters drop' forgets it",
            )
    retried = retry_letters(engine, which, Operator(this_user()), grace_s=settings.reconcile_grace_s)
    if as_json:
        print_json({"retried": retried.count, "left": retried.left})
    else:
        left = f", {retried.left:,} left: refused messages, or no longer on record" if retried.left else ""
        echo(f"{retried.count:,} tried again{left}")
    send_or_exit(create_app(settings), retried.messages, "what is tried again is")


@command.command("drop")
@_chosen
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def drop_letters(which: LetterFilter, yes: bool, as_json: bool) -> None:
    """Forget dead letters: their jobs and rows stay without a verdict. Asks first, unless they are named by ID."""
    engine = connect(read_settings())
    check_domain(engine, which.domain)
    if which.ids:
        find_letters(engine, which)
    elif (count := count_letters(engine, which)) and not yes:
        click.confirm(f"drop {counted(count, 'dead letter')} for good?", abort=True, err=True)
    dropped = drop(engine, which, Operator(this_user()))
    if as_json:
        print_json({"dropped": dropped})
    else:
        echo(f"{dropped:,} dropped")


@command.command("history")
@click.argument("letter", required=False, type=click.UUID, metavar="[ID]")
@limit_option("At most so many, newest first.")
@json_option
def show_history(letter: uuid.UUID | None, limit: int, as_json: bool) -> None:
    """Show who tried dead letters again or dropped them, and when: all of them, or one by its ID."""
    found = find_actions(connect(read_settings()), letter=letter, limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            to_second(one["acted_at"]),
            one["action"],
            one["number"],
            ", ".join(f"{name} {value}" for name, value in one["asked"].items() if name != "ids") or _named(one),
            one["operator"],
            one["address"] or "-",
        )
        for one in found
    ]
    print_table(("when", "what", "dead letters", "which", "who", "from"), rows, none="nobody did anything to any")


def _named(action: dict[str, Any]) -> str:
    """Which dead letters, where no filter says it."""
    return "all" if not action["asked"] else " ".join(map(str, action["letters"][:3]))


def print_letter(letter: dict[str, Any]) -> None:
    """Print one dead letter, for a person."""
    out = console()
    about = " ".join(letter[name] for name in ("domain", "subject") if letter[name])
    out.print(Line("dead", style="red"), Line(f"{letter['kind']} {about}".rstrip()))
    out.print(Line(f"  [{letter['code']}] {letter['reason']}"))
    tried = (
        f"after {counted(letter['attempts'], 'attempt')}, the last by" if letter["kind"] != "message" else "refused by"
    )
    out.print(Line(f"  {tried} {letter['worker'] or 'an unknown worker'}, {to_second(letter['died_at'], zone=True)}"))
    if letter["batch"]:
        out.print(Line(f"  of batch {letter['batch']}, alone in chunk {letter['chunk']}"))
    if letter["content"]:
        out.print(Line(f"  it began: {letter['content'][:200]!r}"))
    out.print(Line(f"  {letter['id']}", style="dim"))
