"""A machine with costs that are easy to reckon with."""

import pytest

from planning.calibration import Calibration

COSTS = Calibration(
    machine="a machine of the tests",
    measured_at="2026-11-28T07:00:00+00:00",
    cores=2,
    record_s=0.0001,
    record_rule_s=0.0000001,
    row_s=0.000002,
    row_rule_s=0.0,
    alone_s=0.002,
    alone_database_s=0.001,
    message_s=0.0008,
    message_database_s=0.0002,
    job_s=0.0004,
    job_database_s=0.0002,
    verdict_s=0.0001,
    verdict_database_s=0.00005,
    submit_s=0.0005,
    submit_database_s=0.0003,
    held_s=0.003,
    waits_s=(0.004, 0.005, 0.006),
    busy_cores=1.5,
    job_bytes=3_000,
    verdict_bytes=1_000,
    row_bytes=1_100,
    process_bytes=40e6,
    main_bytes=35e6,
    message_bytes=2_000,
    broker_bytes=2e6,
)


@pytest.fixture
def costs() -> Calibration:
    return COSTS
