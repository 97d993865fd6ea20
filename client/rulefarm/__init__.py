"""rulefarm, for those who send it work: submit jobs and batches, wait for verdicts, read them back."""

from rulefarm.errors import (
    BrokerUnreachable,
    DatabaseUnreachable,
    FactRejected,
    FactsUnreachable,
    FarmUnreachable,
    JobRejected,
    NotFound,
    RulefarmError,
    ServiceError,
    SettingsError,
    SourceRejected,
    VerdictPending,
)
from rulefarm.farm import Farm
from rulefarm.jobs import Batch, Job
from rulefarm.reference_facts import ReferenceFacts
from rulefarm.settings import Settings
from rulefarm.verdict import Verdict

__all__ = [
    "Batch",
    "BrokerUnreachable",
    "DatabaseUnreachable",
    "FactRejected",
    "FactsUnreachable",
    "Farm",
    "FarmUnreachable",
    "Job",
    "JobRejected",
    "NotFound",
    "ReferenceFacts",
    "RulefarmError",
    "ServiceError",
    "Settings",
    "SettingsError",
    "SourceRejected",
    "Verdict",
    "VerdictPending",
]
