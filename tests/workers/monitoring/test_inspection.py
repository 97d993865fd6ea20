"""Who asks workers what they do waits for no answer that nobody gives, and leaves nothing on the broker."""

from contextlib import closing
from dataclasses import replace

import pytest
import redis

from rulefarm.settings import Settings
from workers.monitoring import worker_states

#: So long that a wait for it would end the test.
_FOR_EVER_S = 3_600.0


@pytest.mark.parametrize("prefix", [None, "idle:"])
def test_where_no_worker_listens_nobody_waits_for_one(settings: Settings, prefix: str | None) -> None:
    # A number of its own: workers of other tests listen on the one that they share.
    url = f"{settings.require_broker().rpartition('/')[0]}/9"
    alone = replace(settings, broker_url=url, queue_prefix=prefix)
    with closing(redis.Redis.from_url(url)) as broker:
        for _ in range(2):
            assert worker_states(alone, timeout_s=_FOR_EVER_S) == []
            # Neither the queue that answers would come to, nor its binding.
            assert list(broker.scan_iter("*reply*")) == []
