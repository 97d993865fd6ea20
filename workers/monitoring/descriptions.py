"""What workers say of themselves.  broker -> [descriptions] -> WorkerDescription -> doctor

Apart from `inspection`, for what they are asked is named where they answer, which loads the engine."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from celery import Celery

from rulefarm.messaging import call_broker
from tasks.self_description import DESCRIBE


@dataclass(frozen=True, slots=True)
class WorkerDescription:
    """What one worker said of itself."""

    #: Seconds by which its clock is ahead of the one here; negative: behind.
    ahead_s: float
    #: Seconds by which that may be wrong: half the time that the answer took.
    error_s: float
    #: Domain to the digest of the ruleset that it judges by.
    digests: dict[str, str]
    #: Domain to the digest of what is active there and can't be judged by here, and why; none of a release that does
    #: not tell.
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: Settings in force, as `tasks.self_description` has them; none of a release that does not tell.
    settings: Mapping[str, Any] = field(default_factory=dict)


def describe_workers(app: Celery, names: Sequence[str], *, timeout_s: float = 1.0) -> dict[str, WorkerDescription]:
    """What workers say of themselves, by their names; one of a release that knows no such question is left out.

    Args:
        app: from `rulefarm.messaging.create_app`.
        names: of the workers.
        timeout_s: how long to wait for answers; a worker that runs answers in milliseconds.

    Raises:
        BrokerUnreachable: the broker does not answer.
    """
    found: dict[str, WorkerDescription] = {}

    def ask() -> None:
        asked = time.time()

        def take(answer: dict[str, Any]) -> None:
            error_s = (time.time() - asked) / 2
            for name, said in answer.items():
                if isinstance(said, dict) and "time" in said:
                    found[name] = WorkerDescription(
                        ahead_s=said["time"] - asked - error_s,
                        error_s=error_s,
                        digests=said["digests"],
                        refused={domain: (digest, why) for domain, (digest, why) in said.get("refused", {}).items()},
                        settings=said.get("settings", {}),
                    )

        app.control.broadcast(
            DESCRIBE, destination=list(names), reply=True, timeout=timeout_s, limit=len(names), callback=take
        )

    if names:
        call_broker(app, ask)
    return found
