"""A reader who knows Celery, Postgres queues and rule engines needs no dictionary: words that the house once made up
for itself are gone, but for those that a record, a wire or a program outside still goes by."""

import re
import subprocess

from tests.shape.product import ROOT

_OLD = "(?:door)?bells?|rings?|ringing|rang|rung|lodgings?|whereabouts|canary|canaries|oddity|oddities|tether(?:ed)?"
#: A word by itself or in a name: `ring_at`, but not `string`.
OLD = re.compile(rf"(?<![a-z])(?:{_OLD})(?![a-z])")
#: Where old words stay, and which: each file reads or writes what does not follow a rename.
DELIBERATE = {
    # What programs read in `status` and `jobs show`: both names are given for a release.
    "cli/display/old_keys.py": {"ring", "rings", "rung"},
    "client/rulefarm/jobs.py": {"rung"},
    "tests/client/test_face.py": {"rung"},
    "tests/cli/test_operations.py": {"ring", "rings", "rung"},
    # A key of the messages: both are read, the new one is written a release later.
    "client/rulefarm/messaging/messages.py": {"rings"},
    "tests/client/messaging/test_messages.py": {"rings"},
    "tests/acceptance/test_jobs.py": {"rings"},
    # The task of a probe, as doctors of an older release send it.
    "tasks/probe.py": {"canary"},
    "tests/workers/test_celery_app.py": {"canary"},
    # Columns as they were made, and the migration that names them anew.
    "store/migrations/filter.py": {"ring", "rings", "rung"},
    "store/migrations/versions/0001_ledger.py": {"ring", "rings"},
    "store/migrations/versions/0002_attempts.py": {"rung"},
    "store/migrations/versions/0004_plain_names.py": {"ring", "rings", "rung"},
    "tests/store/test_migrations.py": {"ring", "rings", "rung"},
    "tests/store/release_0_1_0.sql": {"ring", "rings", "rung"},
    # Homes of embedded services that were made by an older release.
    "workers/embedded/home.py": {"lodging"},
    "tests/workers/embedded/test_home.py": {"lodging"},
    # A pepper, in the catalogue of a real shop.
    "examples/orders.jsonl": {"bell"},
}
#: What was renamed is told in the words of both sides, there and here.
EXEMPT = {"CHANGELOG.md", "tests/shape/test_words.py"}


def test_the_old_vocabulary_stands_only_where_it_must() -> None:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [name for name in names.split("\0") if name not in {"", *EXEMPT} and (ROOT / name).exists()]
    assert len(files) > 300
    texts = {name: (ROOT / name).read_bytes().decode("utf-8", "replace").lower() for name in files}
    assert {name: set(OLD.findall(text)) for name, text in texts.items() if OLD.search(text)} == DELIBERATE
