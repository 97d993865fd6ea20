"""Print a replay.  tasks.replay -> [replay] -> terminal, JSON

One line for every row that is not accepted, as it is judged, then how many rows had which outcome."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

from cli.display.output import COLOURS
from cli.display.terminal import Line, console, echo, echo_data
from engine import Evaluation
from rulefarm.plurals import counted
from tasks.replay import Replayed


def print_replay(replayed: Iterable[Replayed], unit: str, *, as_json: bool) -> bool:
    """Print what came of a source, as it is judged.

    Args:
        replayed: from `tasks.replay.replay`.
        unit: what one of its rows is: `line`, `row`.
        as_json: print one JSON object a row, the summary last.

    Returns:
        Whether any row was an error.
    """
    outcomes: Counter[str] = Counter()
    out = console()
    started = time.perf_counter()
    for row in replayed:
        outcomes[row.evaluation.outcome] += 1
        if row.evaluation.outcome != "accept":
            echo_data(_json(row)) if as_json else out.print(_line(row))
    print_summary(outcomes, time.perf_counter() - started, unit=unit, as_json=as_json)
    return outcomes["error"] > 0


def print_summary(outcomes: Counter[str], seconds: float, *, unit: str = "line", as_json: bool) -> None:
    """Print how many rows had which outcome.

    Args:
        outcomes: rows of each outcome.
        seconds: time that it took.
        unit: what one of them is.
        as_json: as one JSON object.
    """
    total = outcomes.total()
    counts = {outcome: outcomes[outcome] for outcome in COLOURS}
    if as_json:
        echo_data(json.dumps({"lines": total, "seconds": round(seconds, 3), "outcomes": counts}))
        return
    rate = f", {total / seconds:,.0f} a second" if seconds > 0 else ""
    parts = [f"{outcome} {count:,} ({count / max(1, total):.2%})" for outcome, count in counts.items()]
    echo(f"{counted(total, unit)} in {seconds:.1f} s{rate}: {', '.join(parts)}")


def _line(replayed: Replayed) -> Line:
    evaluation = replayed.evaluation
    why = ", ".join(evaluation.fired) or _texts(evaluation)
    line = Line(f"{replayed.number:>7}  {replayed.subject or '-':<20}  ")
    return line.append(f"{evaluation.outcome:<6}", COLOURS[evaluation.outcome]).append(f"  {why}")


def _texts(evaluation: Evaluation) -> str:
    return "; ".join(reason.text for reason in evaluation.reasons)


def _json(replayed: Replayed) -> str:
    evaluation = replayed.evaluation
    answer: dict[str, Any] = {
        "line": replayed.number,
        "subject": replayed.subject,
        "outcome": evaluation.outcome,
        "fired": evaluation.fired,
        "reasons": [reason.to_json() for reason in evaluation.reasons],
    }
    return json.dumps(answer, ensure_ascii=False)
