"""The bulk workers of a farm try a draft, and find what the command finds by itself."""

import json
import shutil
from pathlib import Path

from rulefarm.farm import Farm
from rulefarm.settings import Settings
from tasks.impact_part import IMPACT_PART
from tests.cli.conftest import OnFarm, on, on_farm, run
from tests.commands import RULESETS
from workers.bulk_parts import BulkParts

__all__ = ["on", "on_farm", "run"]


def test_the_bulk_workers_try_a_draft(on_farm: OnFarm, running_farm: Settings, tmp_path: Path) -> None:
    draft = Path(shutil.copytree(RULESETS / "pricing", tmp_path / "draft"))
    (draft / "more.grl").write_text('rule Dear { when Product.price > 200 then Review("dear"); }')
    (tmp_path / "products.csv").write_text("sku,price,cost\n" + "".join(f"p{n},{n},5\n" for n in range(250)))
    batch = on_farm("batch", "pricing", "products.csv").split()[1]
    tried = ("rules", "impact", "pricing", "--draft", "draft", "--batch", batch, "--sum", "Product.price", "--json")
    found, alone = json.loads(on_farm(*tried)), json.loads(on_farm(*tried, "--here"))
    assert found["worker_processes"] >= 1
    assert alone["worker_processes"] == 0
    assert found | {"worker_processes": 0} == alone
    assert found["matrix"]["accept"] == {"accept": 196, "review": 49, "reject": 0, "error": 0}
    assert found["sum"] == {"field": "Product.price", "total": sum(range(201, 250)), "without": 0}

    # What workers can't do is done by whoever asks.
    def here(place: int) -> dict[str, int]:
        return {"place": place}

    with Farm(running_farm) as farm:
        bulk = BulkParts(farm.app, "pricing", IMPACT_PART)
        unknown = {"domain": "pricing", "before": "0", "after": "0", "summed": None, "since": None, "part": {}}
        answers = list(bulk.run([unknown] * 3, here, processes=bulk.processes(), patience_s=60))
    assert sorted(answer.document["place"] for answer in answers) == [0, 1, 2]
    assert not any(answer.by_worker for answer in answers)
