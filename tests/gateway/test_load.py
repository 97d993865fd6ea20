"""The clients of the bench ask a real gateway, and count what they get."""

import json

from tests.gateway.client import Client
from tests.processes import python, says

_DRIVE = """
import json, sys
from bench.http_load import drive, get, post
port, body = int(sys.argv[1]), sys.argv[2]
good, bad = post("/v1/payment/evaluate", body), post("/v1/nobody/evaluate", body)
found = drive(port, [good, bad], clients=2, seconds=0.2)
print(json.dumps([get(port, "/livez"), get(1, "/"), found.failed, len(found.times), found.p99_s >= found.median_s > 0]))
"""


def test_answers_are_counted_and_failures_told(client: Client) -> None:
    with python(_DRIVE, client.port, json.dumps({"facts": {"Order": {"total": 1}}})) as process:
        alive, nobody, failed, answers, ordered = json.loads(says(process))
    assert (alive, nobody, ordered) == (200, 0, True)
    # In turns, by each of the two.
    assert abs(answers - 2 * failed) <= 2
