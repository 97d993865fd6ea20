"""What of a folder may go live.  a folder -> [candidates] -> rulesets to publish, and refusals

A domain is fit when it compiles, its cases pass, and its files are whole and stayed as they were meanwhile: an editor
that saves one after the other would leave a ruleset that nobody wrote. Publishes nothing itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine import EngineError
from rulefarm.errors import RulefarmError
from rulesets.cases import run_cases
from rulesets.loader import DomainsCollide, LoadedRuleset, check_separate, load_domain, ruleset_files


class NotFit(RulefarmError):
    """A domain compiles, and is not fit to go live."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A domain that is fit to go live."""

    ruleset: LoadedRuleset
    #: How many cases it passed; 0: it has none.
    cases: int


@dataclass(frozen=True, slots=True)
class Candidates:
    """The domains of a folder, looked through."""

    #: Those that are fit, by their names.
    fit: dict[str, Candidate]
    #: Why the others are not.
    refused: dict[str, EngineError | RulefarmError]


def load_candidate(root: Path, domain: str) -> Candidate:
    """A domain that is fit to go live.

    Args:
        root: the folder that holds one folder per domain.
        domain: name of the folder.

    Raises:
        NotFit: `cases-failed`; `file-empty`, `files-changed`: somebody is saving them.
        CasesRejected: the file of cases is malformed.
        NotFound, RulesetUnreadable, engine.SchemaRejected, engine.RulesetRejected: as `rulesets.loader.load_domain`.
    """
    loaded = load_domain(root, domain)
    blank = [source for source, content in loaded.sources.items() if not content.strip()]
    if blank:
        # Programs empty a file before they write it.
        raise NotFit("file-empty", f"{blank[0]} is empty", "try again when it is saved, or remove it")
    results = run_cases(loaded)
    failed = [result for result in results if not result.passed]
    if failed:
        first = failed[0]
        message = f"{len(failed)} of {len(results)} cases of '{domain}' fail; {first.case.name}: {first.differences[0]}"
        raise NotFit("cases-failed", message, f"see 'rulefarm rules test --rulesets {root} {domain}'")
    if ruleset_files(root, domain) != loaded.files:
        message = f"the files of '{domain}' were changed while they were checked"
        raise NotFit("files-changed", message, "try again when they are saved")
    return Candidate(loaded, len(results))


def check_candidates(root: Path, domains: Sequence[str]) -> Candidates:
    """Look through domains of a folder: one that is not fit keeps no other from it, unless it feeds it.

    Args:
        root: the folder that holds one folder per domain.
        domains: names of folders in it.
    """
    fit: dict[str, Candidate] = {}
    refused: dict[str, EngineError | RulefarmError] = {}
    for domain in domains:
        try:
            fit[domain] = load_candidate(root, domain)
        except (EngineError, RulefarmError) as error:
            refused[domain] = error
    try:
        check_separate([candidate.ruleset for candidate in fit.values()])
    except DomainsCollide as error:
        return Candidates({}, refused | dict.fromkeys(fit, error))
    return Candidates(fit, refused)
