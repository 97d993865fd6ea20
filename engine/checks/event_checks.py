"""Refuse patterns that the streams of a schema have no answer for.  path_checks -> [event_checks] -> rule_checks

Takes a pattern and the schema, tells what is wrong with its bindings and with the fields that it names of its events;
and, with what is right, says how old events of a shorter window are found out. What a pattern can't be whatever the
schema says, `engine.language.condition_parser` has refused already."""

from engine.checks.kinds import ValueKind
from engine.checks.path_checks import Report, check_field
from engine.language import Binding, Bound, Path, Pattern
from engine.schema import Schema, Stream
from engine.suggestions import did_you_mean

#: Choices of events that one evaluation may have to look at for one rule: `max_events` to the power of its bindings.
#: That many take seconds; three bindings over 200 events are under it, four have to do with 56.
MAX_CHOICES = 10_000_000


def check_bindings(pattern: Pattern, schema: Schema | None, report: Report) -> None:
    """Report what is wrong with the bindings of a pattern.

    Args:
        pattern: as it was read.
        schema: None: there is none, and so no stream.
        report: takes the problems.
    """
    streams = {stream.name: stream for stream in schema.streams} if schema is not None else {}
    for binding in pattern.bindings:
        stream = streams.get(binding.stream)
        if stream is None:
            hint = (
                did_you_mean(binding.stream, streams)
                or f"streams are declared in domain.toml: [stream.{binding.stream}]"
            )
            report(binding, "pattern-stream", f"there is no stream '{binding.stream}'", hint)
            return
        if schema is not None and binding.name in schema.facts:
            what = "a stream" if binding.name in streams else "a fact"
            report(binding, "pattern-name", f"'{binding.name}' is {what} already", "give the event another name")
        if binding.fact != stream.key[0]:
            message = f"the events of '{stream.name}' are of {stream.key[0]}, not of '{binding.fact}'"
            report(binding, "pattern-stream", message, f"write {binding.name}: {stream.key[0]} from …")
        _check_window(binding, stream, report)
        most = stream.max_events ** len(pattern.bindings)
        if most > MAX_CHOICES and binding is pattern.bindings[-1]:
            message = f"{len(pattern.bindings)} of {stream.max_events:,} events make {most:,} choices to look at"
            room = int(MAX_CHOICES ** (1 / len(pattern.bindings)) + 1e-9)
            hint = f"bind fewer events, or give the stream max_events = {room}"
            report(binding, "pattern-too-large", message, hint)


def _check_window(binding: Binding, stream: Stream, report: Report) -> None:
    if binding.window_s > stream.window_s:
        message = f"this window is {binding.window_s} s long, and that of '{stream.name}' is {stream.window_s} s"
        report(binding, "pattern-window", message, "a longer one is declared in domain.toml, where the stream is")
    elif binding.window_s < stream.window_s and stream.time is None:
        message = f"a window shorter than the {stream.window_s} s of '{stream.name}' needs to know when events happened"
        hint = f'name a date of {stream.key[0]} in domain.toml: [stream.{stream.name}] time = "{stream.key[0]}.at"'
        report(binding, "pattern-window", message, hint)


def check_bound(node: Bound, schema: Schema | None, report: Report) -> ValueKind:
    """Report a field that the events of a stream do not have.

    Args:
        node: names it.
        schema: of the domain.
        report: takes the problems.

    Returns:
        The kind of the field.
    """
    owners = {stream.name: stream.key[0] for stream in schema.streams} if schema is not None else {}
    if schema is None or node.stream not in owners:
        return "any"
    subject = f"an event of {node.stream}"
    return check_field(node, schema.facts[node.stream], node.steps, report, subject, owners[node.stream])


def is_bound(path: Path, pattern: Pattern | None) -> bool:
    """Whether a path names an event of a pattern, where no event can be named.

    Args:
        path: outside of the pattern.
        pattern: of the rule; None: it has none.
    """
    return pattern is not None and any(binding.name == path.fact for binding in pattern.bindings)
