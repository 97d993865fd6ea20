"""What a farm without faults would store.  seed, accepted subjects -> [reference] -> expected verdicts

Evaluates in this process, subject by subject, with the record evaluator: jobs and rows alike. So it depends neither on
how a batch was cut and read, nor on the columnar evaluator. Reads no database."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from rulefarm import wire
from rulesets.loader import SHIPPED, LoadedRuleset, load_all
from workers.drill.checker import Expected
from workers.drill.poison import codes
from workers.drill.producers import Accepted
from workers.drill.subjects import AS_OF, BATCH_DOMAIN, BATCH_KEY, DOMAINS, batch_rows, job


class ReferenceEvaluation:
    """The rulesets of the drill's workers, without poison."""

    def __init__(self) -> None:
        self._rulesets: dict[str, LoadedRuleset] = load_all(SHIPPED, DOMAINS)

    def jobs(self, seed: int, accepted: Iterable[Accepted]) -> dict[str, Expected]:
        """The expected verdicts of single jobs, by id.

        Args:
            seed: of the drill.
            accepted: jobs, as their producers recorded them.
        """
        expected = {}
        for line in accepted:
            domain, facts = job(seed, line.key, line.n)
            expected[line.id] = Expected(self._verdict(domain, line.key, facts), expected_codes=codes(line.key))
        return expected

    def rows(self, seed: int, accepted: Accepted, rows: int, poison: dict[int, str]) -> dict[str, Expected]:
        """The expected verdicts of the rows of a batch, by the ids that the verdicts have.

        Args:
            seed: of the drill.
            accepted: the batch, as its producer recorded it.
            rows: subjects in it.
            poison: row to the key that it has instead of its own.
        """
        batch = uuid.UUID(accepted.id)
        expected = {}
        for record in batch_rows(seed, accepted.n, rows, poison):
            key = str(record[BATCH_KEY])
            verdict = self._verdict(BATCH_DOMAIN, key, {"Product": record})
            expected[str(uuid.uuid5(batch, key))] = Expected(verdict, accepted.id, codes(key))
        return expected

    def _verdict(self, domain: str, subject: str, facts: dict[str, Any]) -> dict[str, Any]:
        loaded, text = self._rulesets[domain], wire.canonical(facts)
        evaluation = loaded.program.evaluate(json.loads(text), as_of=AS_OF)
        return {
            "subject": subject,
            "outcome": evaluation.outcome,
            "fired": list(evaluation.fired),
            "reasons": [reason.to_json() for reason in evaluation.reasons],
            # As it comes back from the database: JSON knows no decimals.
            "changes": json.loads(json.dumps(evaluation.changes)),
            "ruleset_digest": loaded.digest,
            "facts_digest": wire.digest(text),
            "as_of": AS_OF,
        }
