"""rulefarm, for those who send it work: submit jobs and batches, wait for verdicts, read them back."""

import sys
from typing import TYPE_CHECKING

from rulefarm.lazy_face import lazily

# For type checkers, and for whoever reads what stands where; a program loads what it asks for.
if TYPE_CHECKING:
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
else:
    __getattr__ = lazily(
        sys.modules[__name__],
        {
            "AsyncFarm": "async_farm",
            "BrokerUnreachable": "errors",
            "DatabaseRejected": "errors",
            "DatabaseUnreachable": "errors",
            "FactRejected": "errors",
            "FactsUnreachable": "errors",
            "FarmUnreachable": "errors",
            "JobDead": "errors",
            "JobRejected": "errors",
            "NotFound": "errors",
            "QueueFull": "errors",
            "RulefarmError": "errors",
            "ServiceError": "errors",
            "SettingsError": "errors",
            "SourceRejected": "errors",
            "VerdictPending": "errors",
            "Farm": "farm",
            "Batch": "jobs",
            "Job": "jobs",
            "ReferenceFacts": "reference_facts",
            "Settings": "settings",
            "Outcome": "verdict",
            "Verdict": "verdict",
            "VerdictEvent": "verdict",
            "VerdictReason": "verdict",
        },
    )

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
