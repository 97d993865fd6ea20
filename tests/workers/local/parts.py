"""Small programs that the tests run as the parts of a farm."""

#: A part that writes when it is ready and when it gets SIGTERM, and ends then.
POLITE = """
import signal, sys
def leave(number, frame):
    print('told', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print('ready', flush=True)
while True:
    signal.pause()
"""
#: A part that ignores SIGTERM.
UNRESPONSIVE = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('ready', flush=True)
while True:
    signal.pause()
"""
#: A part like a Celery worker: it has a child, which must go on until its parent has drained.
PARENT = f"""
import signal, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {POLITE.replace("told", "child told")!r}])
def drain(number, frame):
    print("child runs" if child.poll() is None else "child is gone", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, drain)
print("ready", child.pid, flush=True)
while True:
    signal.pause()
"""
