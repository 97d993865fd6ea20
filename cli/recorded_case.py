"""`rulefarm rules test --record`: a judged job becomes a case.  verdict, facts on record -> [recorded_case] -> TOML

The case asks for what the job's own ruleset makes of the facts that are left: what a case may not keep, as the address
of a customer, is left out by name, and it is said if that changes the answer."""

from collections.abc import Sequence
from typing import Any

import tomli_w

from cli.display.terminal import echo, echo_data
from cli.lookup import say_if_several
from cli.options import read_settings
from engine import Evaluation
from rulefarm.database import connect
from rulefarm.errors import NotFound
from rulefarm.verdict import Verdict
from rulesets.recorded import compile_recorded
from store.job_status import verdict_of
from store.private_view import PrivateView
from store.ruleset_versions import source_of
from tasks.judged_facts import judged_facts


def print_case(job: str, domain: str | None, left_out: Sequence[str], *, show_private: bool = False) -> None:
    """Print a case to put into `cases.toml`.

    Args:
        job: the id of a judged job or row, or its key.
        domain: of this domain only; None: of any.
        left_out: names of facts, and of fields with their facts, that the case does not keep.
        show_private: whether it keeps private fields. Default: it does not, and it is said which.

    Raises:
        NotFound, VerdictPending: nothing like it is on record, or not yet.
        DatabaseUnreachable: no answer.
    """
    engine, asked = connect(read_settings()), left_out
    verdict = verdict_of(engine, job, domain=domain)
    say_if_several(engine, job, domain)
    program = compile_recorded(source_of(engine, verdict.domain, verdict.ruleset_digest))
    if program.schema is None:
        raise NotFound("no-schema", f"the ruleset {verdict.ruleset_digest[:12]} was published without its domain.toml")
    judged = judged_facts(engine, verdict, program.schema)
    private = PrivateView(engine, everything=show_private).fields(verdict.domain, verdict.ruleset_digest)
    facts = _without_nulls(private.without(judged) if private else judged)
    if private and (named := private.found_in(judged)):
        left_out = [*left_out, *named]
        echo(f"rulefarm: private, and left out: {', '.join(named)}", err=True)
    for path in asked:
        if not _leave_out(facts, path.split(".")):
            raise NotFound("no-such-field", f"the facts of {job} have no {path}", "see 'rulefarm jobs show --json'")
    evaluation = program.evaluate(facts, as_of=verdict.as_of)
    if not _same(evaluation, verdict):
        why = f"without {', '.join(left_out)}" if left_out else "by the engine of today"
        echo(f"rulefarm: {why} it comes out as {evaluation.outcome}, which the case asks for", err=True)
    echo_data(tomli_w.dumps({"case": [_case(verdict, facts, evaluation)]}).rstrip("\n"))


def _case(verdict: Verdict, facts: dict[str, Any], evaluation: Evaluation) -> dict[str, Any]:
    answer = evaluation.to_json()
    case = {"name": f"job {verdict.id}", "as_of": verdict.as_of, "outcome": answer["outcome"], "fired": answer["fired"]}
    # TOML has no null: a case that says nothing of changes asks for none.
    if answer["changes"] and None not in answer["changes"].values():
        case["changes"] = answer["changes"]
    return case | {"facts": facts}


def _same(evaluation: Evaluation, verdict: Verdict) -> bool:
    answer, judged = evaluation.to_json(), verdict.to_json()
    return all(answer[name] == judged[name] for name in ("outcome", "fired", "changes"))


def _without_nulls(value: Any) -> Any:
    """Facts without fields that are null: TOML has no null, and a field that is not there is null to every rule."""
    if isinstance(value, dict):
        return {name: _without_nulls(field) for name, field in value.items() if field is not None}
    return [_without_nulls(element) for element in value] if isinstance(value, list) else value


def _leave_out(value: Any, steps: Sequence[str]) -> bool:
    """Take a field out of facts, out of each element where they are a list; whether it was there."""
    if isinstance(value, list):
        return sum(_leave_out(element, steps) for element in value) > 0
    if not isinstance(value, dict) or steps[0] not in value:
        return False
    if len(steps) > 1:
        return _leave_out(value[steps[0]], steps[1:])
    del value[steps[0]]
    return True
