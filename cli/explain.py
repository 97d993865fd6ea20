"""`rulefarm explain`: why a job got its verdict, by the rules and the facts of that time."""

import click

from cli.display.explanation import all_option, explanation_json, print_explanation, rule_option
from cli.display.output import print_json, print_verdict
from cli.display.terminal import echo
from cli.lookup import check_domain, say_if_several
from cli.options import domain_option, json_option, read_settings, show_private_option
from engine import explain, find_counterfactuals, masked_explanation, told_counterfactuals
from rulefarm.database import connect
from rulefarm.errors import NotFound
from rulesets.recorded import compile_recorded
from store.job_status import verdict_of
from store.private_view import PrivateView
from store.ruleset_versions import source_of
from tasks.judged_facts import judged_facts
from tasks.shared_facts import REFUSALS


@click.command("explain")
@click.argument("job", metavar="JOB_ID")
@domain_option
@rule_option
@all_option
@show_private_option
@json_option
def command(
    job: str, domain: str | None, rules: tuple[str, ...], every: bool, show_private: bool, as_json: bool
) -> None:
    """Explain the verdict of a job, or of one row of a batch.

    JOB_ID is its id, or the key it was submitted with: then its newest verdict is explained. Shows every condition of
    the rules that fired with the values that it saw, what each rule changed, and the smallest change of one number that
    would have given a better outcome. It is judged again by the ruleset that judged it, as of the same instant.
    """
    engine = connect(read_settings())
    check_domain(engine, domain)
    verdict = verdict_of(engine, job, domain=domain)
    say_if_several(engine, job, domain)
    program = compile_recorded(source_of(engine, verdict.domain, verdict.ruleset_digest))
    if program.schema is None:
        raise NotFound("no-schema", f"the ruleset {verdict.ruleset_digest[:12]} was published without its domain.toml")
    view = PrivateView(engine, everything=show_private)
    if {reason["code"] for reason in verdict.reasons} & set(REFUSALS):
        # Its rules were never asked, and would now give an answer that was nobody's verdict.
        verdict = view.verdict(verdict)
        print_json({"verdict": verdict.to_json(), "rules": [], "changes": []}) if as_json else print_verdict(verdict)
        return
    facts = judged_facts(engine, verdict, program.schema)
    explanation = explain(program, facts, as_of=verdict.as_of, rules=rules, every=every)
    counterfactuals = find_counterfactuals(program, facts, as_of=verdict.as_of)
    judged = explanation.evaluation.to_json()
    same = all(judged[name] == verdict.to_json()[name] for name in ("outcome", "fired", "changes", "events"))
    verdict = view.verdict(verdict)
    if private := view.fields(verdict.domain, verdict.ruleset_digest):
        explanation = masked_explanation(explanation, private)
        counterfactuals = told_counterfactuals(counterfactuals, program.rules, private)
    if as_json:
        print_json({"verdict": verdict.to_json(), "same": same} | explanation_json(explanation, counterfactuals))
        return
    print_verdict(verdict)
    if not same:
        echo(f"rulefarm: judged again, it comes out as {judged['outcome']}; what follows explains that", err=True)
    print_explanation(explanation, counterfactuals)
