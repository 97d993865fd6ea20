"""Print a replay.  tasks.replay -> [replay] -> terminal, JSON

One line for every line that is not accepted, as it is judged, then how many lines had which outcome."""

import json
import time
from collections import Counter
from datetime import datetime
from typing import Any

from cli.display.output import COLOURS
from cli.display.terminal import Line, console, echo, echo_data
from engine import Evaluation
from rulefarm.errors import JobRejected
from rulesets.loader import LoadedRuleset
from tasks.replay import DocumentFacts, Replayed, replay


def print_replay(
    loaded: LoadedRuleset, path: str, reference_facts: DocumentFacts, as_of: datetime | None, *, as_json: bool
) -> bool:
    """Replay a file and print its outcomes.

    Args:
        loaded: the ruleset of its domain.
        path: of a .jsonl file.
        reference_facts: looked up by the ruleset.
        as_of: as for `tasks.replay.replay`.
        as_json: print one JSON object a line, the summary last.

    Returns:
        Whether any line was an error.

    Raises:
        JobRejected: the file can't be read.
    """
    outcomes: Counter[str] = Counter()
    out = console()
    started = time.perf_counter()
    try:
        # What is no UTF-8 becomes text that facts refuse: it is an error of its line and not of the file.
        with open(path, encoding="utf-8", errors="surrogateescape") as lines:
            for replayed in replay(loaded, lines, reference=reference_facts, as_of=as_of, clock=time.time):
                outcomes[replayed.evaluation.outcome] += 1
                if replayed.evaluation.outcome != "accept":
                    echo_data(_json(replayed)) if as_json else out.print(_line(replayed))
    except OSError as error:
        raise JobRejected("unreadable-file", f"{path} can't be read: {error.strerror}") from None
    print_summary(outcomes, time.perf_counter() - started, as_json=as_json)
    return outcomes["error"] > 0


def print_summary(outcomes: Counter[str], seconds: float, *, as_json: bool) -> None:
    """Print how many lines had which outcome.

    Args:
        outcomes: lines of each outcome.
        seconds: time that it took.
        as_json: as one JSON object.
    """
    total = outcomes.total()
    counts = {outcome: outcomes[outcome] for outcome in COLOURS}
    if as_json:
        echo_data(json.dumps({"lines": total, "seconds": round(seconds, 3), "outcomes": counts}))
        return
    rate = f", {total / seconds:,.0f} a second" if seconds > 0 else ""
    parts = [f"{outcome} {count:,} ({count / max(1, total):.2%})" for outcome, count in counts.items()]
    echo(f"{total:,} lines in {seconds:.1f} s{rate}: {', '.join(parts)}")


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
