"""A producer's memory does not grow with the source of its batch."""

import json
import random
import string
from pathlib import Path

from rulefarm.settings import Settings
from tests.processes import python, says

#: Takes one small batch, so that all is loaded, and then a long one.
PRODUCER = """
import sys
from pathlib import Path

from rulefarm.batch import record_batch
from rulefarm.database import connect
from rulefarm.settings import Settings

settings = Settings(database_url=sys.argv[1], chunk_rows=100)
engine = connect(settings)
peaks = []
for source in sys.argv[2:]:
    batch, _ = record_batch(engine, settings, "pricing", source, free_slots=0)
    # Not getrusage, whose peak is inherited from the process that started this one.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peaks.append(int(status["VmHWM"].split()[0]) // 1024)
print(batch.rows, batch.chunks, *peaks)
"""


def write_jsonl(path: Path, rows: int, text: str) -> Path:
    path.write_text("".join(json.dumps({"sku": f"p{n}", "text": text[n:-n]}) + "\n" for n in range(1, rows + 1)))
    return path


def test_a_long_source_takes_no_more_memory_than_a_short_one(settings: Settings, tmp_path: Path) -> None:
    text = "".join(random.Random(7).choices(string.ascii_letters, k=30_000))
    short, long = write_jsonl(tmp_path / "short.jsonl", 500, text), write_jsonl(tmp_path / "long.jsonl", 3000, text)
    with python(PRODUCER, settings.database_url, short, long) as producer:
        rows, chunks, before, after = (int(word) for word in says(producer).split())
    assert (rows, chunks) == (3000, 30)
    # 80 MB of text, read as lines, put into frames, compressed, and sent.
    assert long.stat().st_size > 80_000_000
    assert after - before < 30
