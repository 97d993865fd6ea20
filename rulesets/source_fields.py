"""What a source of a domain may have, for whoever sends one without the engine.  loaded ruleset -> [source_fields]

The fields of the facts that come with a job, and those of them that some rule reads. Published with the ruleset, so
that a producer can tell a misspelt column from one that is there. Judges nothing."""

from typing import Any

from rulesets.loader import LoadedRuleset


def source_fields(loaded: LoadedRuleset) -> dict[str, Any]:
    """The facts that a source may carry.

    Args:
        loaded: the ruleset of the domain.

    Returns:
        Plain data: `{"subject": "Product", "facts": {"Product": {"fields": [...], "read": [...]}}}`; where there are
        names of another system, also `"sent_as": {"Product": "Artikel"}` of facts, and in a fact the same of its
        fields. Facts that are looked up, and windows of events, are not among them.
    """
    schema = loaded.schema
    shared = {lookup.fact for lookup in schema.lookups} | {stream.name for stream in schema.streams}
    read = loaded.program.reads
    declared = [fact for fact in schema.facts.values() if fact.name not in shared]
    facts: dict[str, dict[str, Any]] = {
        fact.name: {
            "fields": sorted(fact.fields),
            "read": sorted(
                field.name
                for field in fact.fields.values()
                if not field.derived and (field.required or f"{fact.name}.{field.name}" in read)
            ),
        }
        for fact in declared
    }
    for fact in declared:
        names = {field.name: field.sent_as for field in fact.fields.values() if field.sent_as}
        facts[fact.name] |= {"sent_as": names} if names else {}
    others = {fact.name: fact.sent_as for fact in declared if fact.sent_as}
    return {"subject": schema.subject, "facts": facts} | ({"sent_as": others} if others else {})
