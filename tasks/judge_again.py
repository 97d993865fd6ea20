"""Judge single jobs on record again, many at once.  verdicts, facts of jobs -> [judge_again] -> verify_verdicts

Each job by its own facts, with the shared ones as its verdict has them, and as of its own instant; by columns where
these tell all of it. The digest is of the canonical text of its own facts. Compares nothing, and writes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from rulefarm.errors import JobRejected
from rulefarm.messaging import JobMessage
from rulefarm.verdict import Verdict
from rulesets.loader import LoadedRuleset
from tasks.document_columns import document_columns
from tasks.judge import complete_jobs, digest_of_job
from tasks.judge_documents import FEW_DOCUMENTS, judge_documents
from tasks.shared_facts import CompleteFacts, Subject
from tasks.text_columns import TextColumns


@dataclass(frozen=True, slots=True)
class JobToVerify:
    """A job on record: its verdict, and its facts as the text of the row's jsonb."""

    verdict: Verdict
    facts: str


class JudgesAgain:
    """Judges jobs by one version of a ruleset."""

    def __init__(self, loaded: LoadedRuleset) -> None:
        """Prepare.

        Args:
            loaded: the version.
        """
        self._loaded = loaded
        self._texts = TextColumns(loaded.schema, [loaded.program])

    def judge(self, jobs: Sequence[JobToVerify]) -> list[Mapping[str, Any] | str]:
        """What comes out.

        Args:
            jobs: those whose verdicts name the version.

        Returns:
            Of each its evaluation as plain data, with its `facts_digest`; or why its facts can't be judged again.
        """
        then = FactsOfThen(job.verdict for job in jobs)
        digests: dict[int, str] = {}
        kept: dict[int, CompleteFacts] = {}
        found: dict[int, Mapping[str, Any] | str] = {}
        is_few = len(jobs) < FEW_DOCUMENTS
        for place, job in enumerate(jobs):
            try:
                message = _message(job)
            except (JobRejected, ValueError, RecursionError) as error:
                # Nobody submits such facts: somebody has changed them.
                found[place] = str(error)
                continue
            [facts] = complete_jobs(self._loaded, [message], then)
            digests[place] = digest_of_job(message, facts)
            if is_few or self._loaded.schema.is_shared:
                # Of others, columns are made from their texts, and these take a tenth of the memory.
                kept[place] = facts
        places = list(digests)

        def facts_of(number: int) -> CompleteFacts:
            place = places[number]
            if place not in kept:
                [kept[place]] = complete_jobs(self._loaded, [_message(jobs[place])], then)
            return kept[place]

        columns = None
        if not is_few:
            if not self._loaded.schema.is_shared:
                columns = self._texts.read([jobs[place].facts for place in places])
            if columns is None:
                documents = [facts_of(number).document for number in range(len(places))]
                columns = document_columns(documents, self._loaded.schema)
        moments = [jobs[place].verdict.as_of for place in places]
        answers = judge_documents(self._loaded, facts_of, moments, columns)
        for place, answer in zip(places, answers, strict=True):
            found[place] = {**answer, "facts_digest": digests[place]}
        return [found[place] for place in range(len(jobs))]


class FactsOfThen:
    """The shared facts of verdicts, as they were when these were reached."""

    def __init__(self, on_record: Iterable[Verdict]) -> None:
        self._shared = {str(verdict.id): verdict.shared_facts or {} for verdict in on_record}

    def complete(self, loaded: LoadedRuleset, subjects: Sequence[Subject]) -> list[CompleteFacts]:
        """Each subject with what its verdict has on record.

        Args:
            loaded: the ruleset of the domain.
            subjects: jobs, or the rows of a chunk.
        """
        shared = [self._shared.get(subject.job_id, {}) for subject in subjects]
        return [
            CompleteFacts({**subject.document, **facts}, facts) for subject, facts in zip(subjects, shared, strict=True)
        ]


def _message(job: JobToVerify) -> JobMessage:
    """The job as a worker was told of it.

    Raises:
        JobRejected, ValueError, RecursionError: its facts are none that a job can have.
    """
    names = ("id", "domain", "subject", "as_of", "enqueued_at")
    about = {name: getattr(job.verdict, name) for name in names}
    return JobMessage.of_row(SimpleNamespace(facts=job.facts, traceparent=None, digest=None, **about))
