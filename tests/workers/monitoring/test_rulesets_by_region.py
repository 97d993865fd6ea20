"""Status and doctor show by which rulesets the regions judge, whichever of them answer."""

from dataclasses import replace

from sqlalchemy import Engine, insert

from rulefarm.database import active_rulesets
from rulefarm.region_places import RegionPlace
from rulefarm.settings import Settings
from tests.cli.forked import run_forked
from tests.commands import environment
from tests.conftest import fresh_database
from workers.embedded.services import Services
from workers.monitoring import region_rulesets
from workers.monitoring.rulesets_by_region import check_regions


def test_a_farm_without_regions_says_nothing_of_them(settings: Settings) -> None:
    assert region_rulesets(settings) == {}
    assert check_regions(settings) == []


def test_rulesets_of_regions_stand_side_by_side(settings: Settings, database: Engine, services: Services) -> None:
    broker = settings.require_broker()
    with fresh_database(services) as there:
        places = (
            RegionPlace(name="us", broker_url=broker, database_url=there),
            RegionPlace(name="eu", broker_url=broker, database_url="postgresql://nobody@127.0.0.1:1/none"),
        )
        settings = replace(settings, region="sg", regions=places)
        with database.begin() as connection:
            connection.execute(insert(active_rulesets).values(domain="pricing", digest="a" * 64))
        known = region_rulesets(settings)
        assert list(known) == ["eu", "sg", "us"]
        assert (known["sg"].digests, known["us"].digests) == ({"pricing": "a" * 64}, {})
        assert "127.0.0.1:1" in str(known["eu"].problem)
        away, differs = check_regions(settings)
        assert (away.status, away.subject) == ("warn", "eu")
        assert (differs.status, differs.subject) == ("warn", "pricing")
        assert "aaaaaaaaaaaa in sg" in differs.message
        same = replace(
            settings, regions=(RegionPlace(name="us", broker_url=broker, database_url=str(settings.database_url)),)
        )
        [check] = check_regions(same)
        assert check.status == "ok"
        _status_shows_them(settings)


def _status_shows_them(settings: Settings) -> None:
    done = run_forked(["status"], cwd=settings.home, env=environment(settings), stdin="", timeout_s=60)
    assert "pricing" in done.stdout
    for name in ("ruleset of", "sg (here)", "us", "differs", "region eu:"):
        assert name in done.stdout
