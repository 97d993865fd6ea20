"""Print what a draft does to facts.  ImpactReport -> [impact] -> terminal

Puts no words together: `workers.impact_report` has them."""

from cli.display.output import COLOURS, print_table
from cli.display.terminal import Line, console, echo
from rulefarm.plurals import counted
from rulesets.flips import OUTCOMES
from workers.impact_report import ImpactReport, cause_words

#: Rules that are listed for a person.
_RULES = 20


def print_impact(report: ImpactReport) -> None:
    """Print it for a person.

    Args:
        report: what there is to say.
    """
    impact, out = report.impact, console()
    echo(report.headline)
    rows = [[one, *(impact.matrix.get((one, other), 0) for other in OUTCOMES)] for one in OUTCOMES]
    print_table(("before \\ after", *OUTCOMES), rows)
    echo(report.summary)
    blamed = impact.blamed()
    if blamed:
        print_table(
            ("rule", "asks no longer", "asks now"), [(name, *counts) for name, counts in list(blamed.items())[:_RULES]]
        )
    if len(blamed) > _RULES:
        echo(f"and {counted(len(blamed) - _RULES, 'more rule')}: see --json or --html")
    for cause, sentences in report.told.items():
        one = impact.causes[cause]
        head = Line(cause.before, style=COLOURS[cause.before]).append(" → ", "")
        head.append(cause.after, COLOURS[cause.after])
        out.print(head.append(f": {report.subjects(one.count)}{report.amount(one.sum, one.unsummed)}", ""))
        out.print(Line(f"  {cause_words(cause)}, as in {one.example.subject if one.example else ''}"))
        for sentence in sentences:
            out.print(Line(f"    {sentence}"))
    if (more := len(impact.causes) - len(report.told)) > 0:
        echo(f"and {counted(more, 'more cause')}: see --json")
    for limit in report.broken:
        echo(f"over budget: {limit}")
    if report.budget is not None and not report.broken:
        echo(f"within budget: {report.budget}")
