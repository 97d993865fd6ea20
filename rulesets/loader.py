"""Read domains from a folder and compile them.

Takes the folder that holds one folder per domain (domain.toml, and rules in .grl, .csv and .xlsx files), gives compiled
rulesets that may be shared between threads. A domain loads whole or not at all, and domains loaded together may not
feed each other: a job is judged by one domain, so a field that another domain writes would always be null in it. Knows
nothing about who published what (`store`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from engine import (
    Diagnostic,
    FactSchema,
    Program,
    RulesetRejected,
    Schema,
    compile_ruleset,
    did_you_mean,
    parse_schema,
    read_sources,
)
from rulefarm.errors import JobRejected, NotFound, RulefarmError
from rulefarm.routing import checked_domain
from rulesets.folders import (
    RULE_FILES,
    SCHEMA_FILE,
    RulesetUnreadable,
    is_left_behind,
    read_file,
    rule_files,
    shown,
    unreadable,
)

#: The rulesets that ship.
SHIPPED = Path(__file__).parent


class DomainsCollide(RulefarmError):
    """A domain reads a field that another domain writes."""


@dataclass(frozen=True, slots=True)
class LoadedRuleset:
    """One domain, compiled."""

    domain: str
    program: Program
    #: Content by the path that is put on record (`rulesets/pricing/margin.grl`), wherever the folder stands, of
    #: `domain.toml` too.
    sources: Mapping[str, bytes]
    schema: Schema
    #: sha256 of the canonical source: the version that a verdict carries.
    digest: str
    #: Where the files stand; the cases of the domain are read from here. None: they come from the record.
    folder: Path | None
    #: Content by the path that problems and rules name, which can be opened from where one stands; those of the record.
    shown_sources: Mapping[str, bytes]

    @property
    def files(self) -> dict[str, bytes]:
        """The sources by the names of their files, wherever these stood."""
        return by_file_name(self.sources)


@dataclass(frozen=True, slots=True)
class DeclaredFact:
    """A fact that domains look up."""

    #: With the fields that any of them declares.
    fact: FactSchema
    #: What stands before the decimals of a number in text; None: the domains do not agree.
    decimal: str | None


def by_file_name(sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files by their names, wherever they stood.

    >>> by_file_name({"rulesets/pricing/margin.grl": b"..."})
    {'margin.grl': b'...'}
    """
    return {source.rpartition("/")[2]: content for source, content in sources.items()}


def available_domains(root: Path | str = SHIPPED) -> tuple[str, ...]:
    """Names of the domains in a folder, sorted.

    Args:
        root: the folder that holds one folder per domain; default: the rulesets that ship.

    Raises:
        RulesetUnreadable: there is no such folder, or it can't be listed.
    """
    folder = Path(root)
    try:
        named = [entry for entry in folder.iterdir() if not is_left_behind(entry.name)]
        return tuple(sorted(entry.name for entry in named if (entry / SCHEMA_FILE).is_file()))
    except OSError as error:
        raise unreadable(folder, error) from error


def chosen_domains(root: Path | str, names: Sequence[str] = ()) -> tuple[str, ...]:
    """The domains that are asked for, or all of a folder.

    Args:
        root: the folder that holds one folder per domain.
        names: of domains; none: all that there are.

    Raises:
        NotFound: `no-domain`: there is none in the folder; the hint says where one is. `unknown-domain`.
        RulesetUnreadable: there is no such folder, or it can't be listed.
    """
    folder = Path(root)
    domains = available_domains(folder)
    for name in names:
        if name not in domains:
            raise _unknown(name, domains, folder)
    if domains:
        return tuple(names) or domains
    if (folder / SCHEMA_FILE).is_file():
        hint = f"it is a domain itself: name the folder above it, {shown(folder.absolute().parent)}"
    elif below := sorted({file.parents[1] for file in folder.glob(f"*/*/{SCHEMA_FILE}")}):
        hint = f"there is one in {shown(below[0])}"
    else:
        hint = f"a domain is a folder in it that has a {SCHEMA_FILE}; --rulesets or RULEFARM_RULESETS names the folder"
    raise NotFound("no-domain", f"no domain in {shown(folder)}", hint)


def load_domain(root: Path | str, domain: str) -> LoadedRuleset:
    """Read and compile one domain.

    Args:
        root: the folder that holds one folder per domain.
        domain: name of the folder.

    Returns:
        The compiled ruleset.

    Raises:
        NotFound: there is no such domain; the hint names those that there are.
        RulesetUnreadable: a file can't be read, there are no rules, or no job can be sent to a domain of this name.
        engine.SchemaRejected: domain.toml is not a schema.
        engine.RulesetRejected: the rules are not in order; every problem is in it.
    """
    folder = _folder_of(root, domain)
    here = shown(folder)
    schema_text = read_file(folder / SCHEMA_FILE)
    schema = parse_schema(schema_text, f"{here}/{SCHEMA_FILE}")
    rules = {file.name: read_file(file) for file in rule_files(folder)}
    if not rules:
        hint = f"add a file that ends in {' or '.join(RULE_FILES)}"
        raise RulesetUnreadable("ruleset-empty", f"domain '{domain}' has no rules in {here}", hint)
    # A version is the same wherever its files stand, and whoever looks at them from where.
    program = compile_ruleset(
        {f"{here}/{name}": content for name, content in rules.items()},
        schema=schema,
        lasting_names={f"{here}/{name}": f"{SHIPPED.name}/{domain}/{name}" for name in rules},
    )
    files = {SCHEMA_FILE: schema_text, **rules}
    on_record, as_shown = (
        {f"{place}/{name}": content for name, content in files.items()}
        for place in (f"{Path(root).resolve().name}/{domain}", here)
    )
    return LoadedRuleset(domain, program, on_record, schema, program.digest, folder, as_shown)


def ruleset_files(root: Path | str, domain: str) -> dict[str, bytes]:
    """The files that make the ruleset of a domain: content by name, domain.toml among them; not compiled.

    Args:
        root: the folder that holds one folder per domain.
        domain: name of the folder.

    Raises:
        NotFound: there is no such domain.
        RulesetUnreadable: a file can't be read, or no job can be sent to a domain of this name.
    """
    folder = _folder_of(root, domain)
    return {file.name: read_file(file) for file in (folder / SCHEMA_FILE, *rule_files(folder))}


def declared_fact(root: Path | str, fact: str) -> DeclaredFact:
    """A fact as the domains that look it up declare it.

    Args:
        root: the folder that holds one folder per domain.
        fact: its name.

    Raises:
        NotFound: no domain looks it up, or two do and declare its fields to be of different kinds.
        RulesetUnreadable: a file can't be read.
        engine.SchemaRejected: a domain.toml is not a schema.
    """
    folder = Path(root)
    declaring: dict[str, FactSchema] = {}
    decimals = set()
    for domain in available_domains(folder):
        schema = parse_schema(read_file(folder / domain / SCHEMA_FILE), f"{shown(folder)}/{domain}/{SCHEMA_FILE}")
        if any(lookup.fact == fact for lookup in schema.lookups):
            declaring[domain] = schema.facts[fact]
            decimals.add(schema.decimal)
    if not declaring:
        hint = f"declare it: [lookup.{fact}] in its domain.toml"
        raise NotFound("unknown-fact", f"no domain in {shown(folder)} looks up a fact '{fact}'", hint)
    (first, declared), *others = declaring.items()
    for domain, other in others:
        for name in declared.fields.keys() & other.fields.keys():
            if declared.fields[name].kind != other.fields[name].kind:
                message = f"{fact}.{name} is of one kind in '{first}' and of another in '{domain}'"
                raise NotFound("unknown-fact", message, "load it from parquet or jsonl, which say the kinds themselves")
    fields = {name: field for each in declaring.values() for name, field in each.fields.items()}
    return DeclaredFact(FactSchema(fact, False, fields), decimals.pop() if len(decimals) == 1 else None)


def problems_without_schema(root: Path | str, domain: str) -> tuple[Diagnostic, ...]:
    """The problems of a domain's rules that show without its schema, for a domain whose domain.toml can't be read.

    Args:
        root: the folder that holds one folder per domain.
        domain: name of the folder.

    Raises:
        NotFound: there is no such domain.
        RulesetUnreadable: a file can't be read.
    """
    try:
        return read_sources({shown(file): read_file(file) for file in domain_files(root, domain)}).warnings
    except RulesetRejected as rejected:
        return rejected.diagnostics


def load_all(root: Path | str = SHIPPED, domains: Iterable[str] | None = None) -> dict[str, LoadedRuleset]:
    """Read and compile domains that run side by side.

    Args:
        root: the folder that holds one folder per domain; default: the rulesets that ship.
        domains: which ones; default: all that there are.

    Returns:
        The rulesets by domain, in the order asked for.

    Raises:
        DomainsCollide: one of them reads a field that another one writes.
        NotFound, RulesetUnreadable, engine.SchemaRejected, engine.RulesetRejected: as `load_domain`.
    """
    names = available_domains(root) if domains is None else tuple(domains)
    loaded = {domain: load_domain(root, domain) for domain in names}
    check_separate(tuple(loaded.values()))
    return loaded


def check_separate(rulesets: Sequence[LoadedRuleset]) -> None:
    """Refuse domains of which one reads what another one writes.

    Args:
        rulesets: the domains that are to run side by side.

    Raises:
        DomainsCollide: naming both domains and the fields.
    """
    for reader, writer in permutations(rulesets, 2):
        # Refused even when the reader writes the field too: two domains would mean two things by one name.
        shared = sorted(reader.program.reads & writer.program.writes)
        if shared:
            fields = " and ".join(shared)
            message = f"domain '{reader.domain}' reads {fields}, which domain '{writer.domain}' writes"
            raise DomainsCollide("domains-collide", message, "let one domain do both, or give the field another name")


def domain_files(root: Path | str, domain: str) -> list[Path]:
    """The files of a domain that hold rules, by name.

    Args:
        root: the folder that holds one folder per domain.
        domain: name of the folder.

    Raises:
        NotFound: there is no such domain.
        RulesetUnreadable: the folder can't be read.
    """
    domains = available_domains(root)
    if domain not in domains:
        raise _unknown(domain, domains, Path(root))
    return rule_files(Path(root) / domain)


def _folder_of(root: Path | str, domain: str) -> Path:
    domains = available_domains(root)
    if domain not in domains:
        raise _unknown(domain, domains, Path(root))
    try:
        checked_domain(domain)
    except JobRejected as refused:
        hint = "name the folder in lower case, with letters, digits, _ and -, 63 at most: my-shop"
        raise RulesetUnreadable("domain-name", f"no job can be sent to a domain '{domain}'", hint) from refused
    return Path(root) / domain


def _unknown(domain: str, domains: Sequence[str], root: Path) -> NotFound:
    if not domains:
        return NotFound("unknown-domain", f"there is no domain '{domain}'", f"{shown(root)} holds no domain at all")
    hint = f"{did_you_mean(domain, domains)} there are: {', '.join(domains)}".lstrip()
    return NotFound("unknown-domain", f"there is no domain '{domain}'", hint)
