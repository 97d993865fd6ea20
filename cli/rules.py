"""`rulefarm rules`: check, test, list and format rulesets, without any farm; publish them to one, and go back."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from cli.display.coverage import print_coverage
from cli.display.junit import write_junit
from cli.display.output import print_json, print_table
from cli.display.terminal import echo
from cli.options import (
    domain_argument,
    domains_argument,
    json_option,
    read_settings,
    rulesets_option,
    show_private_option,
)
from engine import Diagnostic, EngineError, Rule, RulesetRejected, SchemaRejected, json_schema, review
from rulefarm.plurals import counted
from rulesets.cases import run_cases
from rulesets.coverage import coverage
from rulesets.folders import CASES_FILE, RULE_FILES, RulesetUnreadable, shown, unread_files
from rulesets.formatting import formatted, grl_files
from rulesets.loader import SHIPPED, chosen_domains, load_domain, problems_without_schema

#: Name of a command that asks a database, to module and function.
_OF_A_FARM = {
    "publish": ("cli.publish", "command"),
    "history": ("cli.rule_versions", "show_history"),
    "show": ("cli.rule_versions", "show"),
    "impact": ("cli.impact", "command"),
    "shadow": ("cli.rule_shadow", "command"),
    "diff": ("cli.rule_versions", "diff"),
    "usage": ("cli.rule_usage", "command"),
    "activate": ("cli.rule_versions", "activate_digest"),
    "rollback": ("cli.rule_versions", "roll_back"),
    "cancel": ("cli.rule_versions", "cancel"),
    "export": ("cli.rule_versions", "export"),
}


class RulesGroup(click.Group):
    """A group whose commands that ask a database are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return [*super().list_commands(ctx), *_OF_A_FARM]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none.

        Args:
            ctx: click's.
            cmd_name: as it was typed.
        """
        if cmd_name in _OF_A_FARM:
            module, function = _OF_A_FARM[cmd_name]
            found: click.Command = getattr(import_module(module), function)
            return found
        return super().get_command(ctx, cmd_name)


@click.group("rules", cls=RulesGroup)
def command() -> None:
    """Check, test, format, publish, compare and roll back the rules."""


@command.command("check")
@domains_argument
@rulesets_option
@json_option
def check(domains: tuple[str, ...], rulesets: Path | None, as_json: bool) -> None:
    """Compile the rulesets and print every problem, with its place and a hint.

    Exit code 1 if a ruleset can't be used; warnings leave it 0.
    """
    root = rulesets or read_settings().rulesets or SHIPPED
    rejected, documents = False, []
    for domain in chosen_domains(root, domains):
        diagnostics, summary = _checked(root, domain)
        rejected = rejected or any(diagnostic.severity == "error" for diagnostic in diagnostics)
        documents.append({"domain": domain, "summary": summary, "diagnostics": [d.to_json() for d in diagnostics]})
        if not as_json:
            for diagnostic in diagnostics:
                echo(f"{diagnostic}\n", lines=True)
            echo(f"{domain}: {summary}")
            if not (root / domain / CASES_FILE).exists():
                echo(_without_cases(root, domain))
    if as_json:
        print_json(documents)
    sys.exit(int(rejected))


def _checked(root: Path, domain: str) -> tuple[tuple[Diagnostic, ...], str]:
    """All that is wrong with a domain, and what it is in a few words; one that can't be used hides no other."""
    try:
        loaded = load_domain(root, domain)
    except RulesetRejected as error:
        return (*_unread(root, domain), *error.diagnostics), "rejected"
    except SchemaRejected as error:
        return (*_unread(root, domain), *error.diagnostics, *_problems_of_rules(root, domain)), "rejected"
    except RulesetUnreadable as error:
        return (*_unread(root, domain), _diagnostic(error)), "rejected"
    diagnostics = (*_unread(root, domain), *loaded.program.warnings, *review(loaded.program, loaded.shown_sources))
    return diagnostics, f"{counted(len(loaded.program.rules), 'rule')}, {loaded.digest[:12]}"


def _problems_of_rules(root: Path, domain: str) -> tuple[Diagnostic, ...]:
    """What can be said of the rules of a domain whose schema is broken."""
    try:
        return problems_without_schema(root, domain)
    except RulesetUnreadable as error:
        return (_diagnostic(error),)


def _diagnostic(error: RulesetUnreadable) -> Diagnostic:
    return Diagnostic(error.code, "error", None, error.message, error.hint)


def _unread(root: Path, domain: str) -> list[Diagnostic]:
    """What lies in the folder of a domain as if it were rules, and is not read."""
    hint = f"rules are in files that end in {', '.join(RULE_FILES)}; anything else is better kept elsewhere"
    return [
        Diagnostic("file-unread", "warning", None, f"{shown(entry)} is not read", hint)
        for entry in unread_files(root / domain)
    ]


@command.command("test")
@domains_argument
@rulesets_option
@json_option
@click.option(
    "--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the results to this file as well."
)
@click.option("--coverage", "covers", is_flag=True, help="Say which rules, rows and branches no case fires.")
@click.option("--record", metavar="JOB_ID", help="Run none: print a judged job as a case, for cases.toml.")
@click.option("--leave-out", "left_out", multiple=True, metavar="FACT.FIELD", help="Of the recorded job; repeatable.")
@show_private_option
def test(
    domains: tuple[str, ...],
    rulesets: Path | None,
    as_json: bool,
    junit: Path | None,
    covers: bool,
    record: str | None,
    left_out: tuple[str, ...],
    show_private: bool,
) -> None:
    """Run the cases of the domains: facts in, expected outcome and fired rules.

    Exit code 1 if a case fails. --junit writes what CI servers read. A branch is an operand of an || in a rule.
    --record needs the farm: it asks for what the job's own ruleset made of its facts.
    """
    if record is not None:
        # What asks a database is loaded when it is asked for.
        print_case = import_module("cli.recorded_case").print_case
        print_case(record, domains[0] if domains else None, left_out, show_private=show_private)
        return
    root = rulesets or read_settings().rulesets or SHIPPED
    loaded = [load_domain(root, domain) for domain in chosen_domains(root, domains)]
    results = {one.domain: run_cases(one) for one in loaded}
    covered = {one.domain: coverage(one) for one in loaded} if covers else {}
    if junit is not None:
        write_junit(junit, results)
    if as_json:
        cases = [{"domain": name, **result.to_json()} for name, found in results.items() for result in found]
        rules = [{"domain": name, **one.to_json()} for name, found in covered.items() for one in found]
        print_json({"cases": cases, "coverage": rules} if covers else cases)
    else:
        for domain, of_domain in results.items():
            for result in of_domain:
                for difference in result.differences:
                    echo(f"{domain}: {result.case.name}: {difference}")
            bad = sum(not result.passed for result in of_domain)
            tried = f"{domain}: {counted(len(of_domain), 'case')}, {bad} failed"
            echo(tried if of_domain else _without_cases(root, domain))
            if covers and of_domain:
                print_coverage(domain, covered[domain])
    sys.exit(int(any(not result.passed for of_domain in results.values() for result in of_domain)))


@command.command("list")
@domains_argument
@rulesets_option
@json_option
def list_rules(domains: tuple[str, ...], rulesets: Path | None, as_json: bool) -> None:
    """List the rules of the domains, in the order in which they are tried."""
    root = rulesets or read_settings().rulesets or SHIPPED
    rows: list[dict[str, Any]] = []
    for domain in chosen_domains(root, domains):
        rules = load_domain(root, domain).program.rules
        order = sorted(range(len(rules)), key=lambda i: (-rules[i].salience, i))
        rows.extend(
            {
                "domain": domain,
                "rule": rules[i].name,
                "salience": rules[i].salience,
                "source": _place(rules[i]),
                "description": rules[i].description or "",
            }
            for i in order
        )
    if as_json:
        print_json(rows)
    else:
        print_table(("domain", "rule", "salience", "source", "description"), [tuple(row.values()) for row in rows])


@command.command("schema")
@domain_argument
@rulesets_option
def schema(domain: str, rulesets: Path | None) -> None:
    """Print the facts that jobs of a DOMAIN carry, as JSON Schema."""
    root = rulesets or read_settings().rulesets or SHIPPED
    [found] = chosen_domains(root, [domain])
    print_json(json_schema(load_domain(root, found).schema))


@command.command("format")
@click.argument("names", nargs=-1, metavar="[FILE|DOMAIN]...")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit code 1 if a file would change.")
@rulesets_option
def format_files(names: tuple[str, ...], only_check: bool, rulesets: Path | None) -> None:
    """Write *.grl files in canonical form, comments kept; all domains by default.

    A file with problems is left as it is, and the exit code is 1.
    """
    root = rulesets or read_settings().rulesets or SHIPPED
    failed = False
    for name in names or chosen_domains(root):
        file = Path(name)
        for path in [file] if file.suffix == ".grl" else grl_files(root, name):
            try:
                old, new = formatted(path)
            except EngineError as error:
                echo(f"{shown(path)}: {error}" if error.code == "format-refused" else str(error), lines=True)
                failed = True
                continue
            if old != new:
                echo(f"{'would format' if only_check else 'formatted'} {shown(path)}")
                failed = failed or only_check
                if not only_check:
                    path.write_bytes(new)
    sys.exit(int(failed))


def _without_cases(root: Path, domain: str) -> str:
    file = shown(root / domain / CASES_FILE)
    return f"{domain}: no case says what its rules have to do; 'rulefarm rules test' runs those in {file}"


def _place(rule: Rule) -> str:
    return f"{rule.span.source}:{rule.span.line}" if rule.span else ""
