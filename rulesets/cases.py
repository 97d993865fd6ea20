"""The cases of a domain: facts of a job, and the evaluation that has to come of them.

Takes a loaded domain, reads `cases.toml` of its folder, runs each case on the compiled ruleset and gives what differs:
in the outcome, in the rules that fire and their order, in the changes. Writes nothing, and needs no farm.

    as_of = 2026-03-02T12:00:00Z              # for cases that name no moment of their own
    [base.Product]                            # facts that every case begins with
    average_price = 2.5
    [[case]]
    name = "sold under cost"
    facts.Product = { average_price = 1.0 }   # laid over the base, field by field; a list replaces the list
    without = ["Product.category"]            # fields of the base that this case lacks
    outcome = "review"
    fired = ["SoldAtLoss", "UnplannedLoss"]
    changes = { "Product.loss_flag" = "loss" }   # optional: exactly these fields are written"""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine import Evaluation
from rulefarm.errors import RulefarmError
from rulesets.folders import CASES_FILE, read_file, shown
from rulesets.loader import LoadedRuleset

_KIND_WORDS: dict[type, str] = {str: "a text", list: "a list", dict: "a table"}
_CASE_KEYS = {"name", "as_of", "facts", "without", "outcome", "fired", "changes"}


class CasesRejected(RulefarmError):
    """The file of cases can't be read, or is not one."""


@dataclass(frozen=True, slots=True)
class Case:
    """One job, and what has to come of it."""

    name: str
    facts: dict[str, Any]
    #: Aware; the instant the job is judged at.
    as_of: datetime
    outcome: str
    #: Names of the rules in the order they fire.
    fired: list[str]
    #: Field -> new value; None: the case does not say.
    changes: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of a case."""

    case: Case
    evaluation: Evaluation
    #: One sentence per difference; empty: the case passed.
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything the case asks for came out."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """Plain data: the case by name, whether it passed, what differs, and the evaluation."""
        return {
            "case": self.case.name,
            "passed": self.passed,
            "differences": list(self.differences),
            "evaluation": self.evaluation.to_json(),
        }


def run_cases(loaded: LoadedRuleset) -> list[CaseResult]:
    """Run the cases of a domain.

    Args:
        loaded: the compiled domain.

    Returns:
        One result per case, in the order of the file; empty when the domain has no cases.

    Raises:
        CasesRejected: the file of cases is malformed.
    """
    results = []
    for case in read_cases(loaded):
        evaluation = loaded.program.evaluate(case.facts, as_of=case.as_of)
        results.append(CaseResult(case, evaluation, tuple(_differences(case, evaluation))))
    return results


def read_cases(loaded: LoadedRuleset) -> list[Case]:
    """Read the cases of a domain, base facts filled in.

    Args:
        loaded: the domain; its rules are not run.

    Returns:
        The cases in the order of the file; empty when the domain has no such file, or comes from the record.

    Raises:
        CasesRejected: the file of cases is malformed.
        RulesetUnreadable: it can't be read.
    """
    if loaded.folder is None:
        return []
    path = loaded.folder / CASES_FILE
    place = shown(path)
    if not path.exists():
        return []
    try:
        document = tomllib.loads(read_file(path).decode("utf-8"))
    # ValueError: bytes that are no UTF-8, TOML that is none, a number that Python refuses to read.
    except (ValueError, RecursionError) as error:
        raise CasesRejected("cases-unreadable", f"can't read {place}: {error}") from error
    base, moment = document.get("base", {}), document.get("as_of")
    entries = document.get("case", [])
    if not isinstance(base, dict) or not isinstance(entries, list):
        raise CasesRejected("cases-malformed", f"{place}: 'base' has to be a table and 'case' a list of tables")
    return [_case(entry, base, moment, f"{place}, case {number}") for number, entry in enumerate(entries, 1)]


def _case(entry: Any, base: Mapping[str, Any], moment: Any, place: str) -> Case:
    if not isinstance(entry, dict):
        raise CasesRejected("cases-malformed", f"{place}: a case has to be a table")
    unknown = sorted(entry.keys() - _CASE_KEYS)
    if unknown:
        keys = ", ".join(sorted(_CASE_KEYS))
        raise CasesRejected("cases-malformed", f"{place}: a case has no '{unknown[0]}'", f"it has: {keys}")
    name = _of_kind(entry, "name", str, place)
    place = f"{place} ({name})"
    facts = _laid_over(base, _of_kind(entry, "facts", dict, place, {}))
    for path in _of_kind(entry, "without", list, place, []):
        _drop(facts, path, place)
    as_of = entry.get("as_of", moment)
    if not isinstance(as_of, datetime) or as_of.tzinfo is None:
        hint = "write as_of = 2026-03-02T12:00:00Z, in the case or above all of them"
        raise CasesRejected("cases-malformed", f"{place}: there is no moment to judge it at", hint)
    try:
        as_of = as_of.astimezone(UTC)
    except OverflowError:
        message = f"{place}: as_of is not within the years 1 to 9999 of UTC"
        raise CasesRejected("cases-malformed", message) from None
    return Case(
        name=name,
        facts=facts,
        as_of=as_of,
        outcome=_of_kind(entry, "outcome", str, place),
        fired=_of_kind(entry, "fired", list, place),
        changes=_of_kind(entry, "changes", dict, place) if "changes" in entry else None,
    )


def _of_kind(entry: Mapping[str, Any], key: str, kind: type, place: str, default: Any = None) -> Any:
    """The entry's value, which has to be of this kind; without a default it has to be there."""
    value = entry.get(key, default)
    if not isinstance(value, kind):
        raise CasesRejected("cases-malformed", f"{place}: '{key}' has to be {_KIND_WORDS[kind]}")
    return value


def _laid_over(base: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the facts laid over it, field by field; both are left as they are."""
    merged = deepcopy(dict(base))
    for name, fact in deepcopy(dict(facts)).items():
        under = merged.get(name)
        merged[name] = {**under, **fact} if isinstance(under, dict) and isinstance(fact, dict) else fact
    return merged


def _drop(facts: dict[str, Any], path: Any, place: str) -> None:
    """Take a field, or a whole fact, out of the facts."""
    name, _, field = str(path).partition(".")
    holder = facts.get(name) if field else facts
    key = field or name
    if not isinstance(holder, dict) or key not in holder:
        raise CasesRejected("cases-malformed", f"{place}: the facts have no '{path}' to leave out")
    del holder[key]


def _differences(case: Case, evaluation: Evaluation) -> list[str]:
    differences = []
    if evaluation.outcome != case.outcome:
        differences.append(f"the outcome is {evaluation.outcome}, not {case.outcome}")
    if list(evaluation.fired) != case.fired:
        differences.append(f"fired: {_names(evaluation.fired)}; expected: {_names(case.fired)}")
    if case.changes is not None and dict(evaluation.changes) != case.changes:
        differences.append(f"changes: {dict(evaluation.changes)}; expected: {case.changes}")
    if evaluation.outcome == "error" != case.outcome:
        differences += [f"error {reason.code}: {reason.text}" for reason in evaluation.reasons]
    return differences


def _names(rules: list[str]) -> str:
    return ", ".join(rules) or "nothing"
