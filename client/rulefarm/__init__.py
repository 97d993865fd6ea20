"""rulefarm, for those who send it work: submit jobs and batches, wait for verdicts, read them back."""

from rulefarm.async_farm import AsyncFarm
from rulefarm.errors import (
    BrokerUnreachable,
    DatabaseRejected,
    DatabaseUnreachable,
    FactRejected,
    FactsUnreachable,
    FarmUnreachable,
    JobDead,
    JobRejected,
    NotFound,
    QueueFull,
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
from rulefarm.verdict import Outcome, Verdict, VerdictEvent, VerdictReason

#: Of this distribution, and of the farm that carries it.
__version__ = "0.1.0"

__all__ = [
    "AsyncFarm",
    "Batch",
    "BrokerUnreachable",
    "DatabaseRejected",
    "DatabaseUnreachable",
    "FactRejected",
    "FactsUnreachable",
    "Farm",
    "FarmUnreachable",
    "Job",
    "JobDead",
    "JobRejected",
    "NotFound",
    "Outcome",
    "QueueFull",
    "ReferenceFacts",
    "RulefarmError",
    "ServiceError",
    "Settings",
    "SettingsError",
    "SourceRejected",
    "Verdict",
    "VerdictEvent",
    "VerdictPending",
    "VerdictReason",
]
