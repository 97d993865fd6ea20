"""Settings come from RULEFARM_* variables, and the URLs of a running embedded farm from its home."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from rulefarm.errors import SettingsError
from rulefarm.region_places import RegionPlace, variables
from rulefarm.services_file import SERVICES_FILE
from rulefarm.settings import Settings

OF_A_REGION = [field.name for field in fields(RegionPlace) if field.name != "name"]
DOCS = Path(__file__).parents[2] / "docs" / "settings.md"


def test_an_empty_environment_is_an_embedded_farm_in_the_current_directory() -> None:
    settings = Settings.from_env({})
    assert settings.home == Path.cwd() / ".rulefarm"
    assert settings.broker_url is None
    with pytest.raises(SettingsError, match="rulefarm up"):
        settings.require_broker()
    with pytest.raises(SettingsError, match="RULEFARM_DATABASE_URL"):
        settings.require_database()


def test_every_setting_is_a_variable(tmp_path: Path) -> None:
    settings = Settings.from_env(
        {
            "RULEFARM_HOME": str(tmp_path),
            "RULEFARM_BROKER_URL": "redis://h",
            "RULEFARM_DATABASE_URL": "postgresql://h/d",
            "RULEFARM_CHUNK_ROWS": "250",
            "RULEFARM_RECONCILE_INTERVAL_S": "1.5",
            "RULEFARM_RULESETS": "",
        }
    )
    assert (settings.home, settings.chunk_rows, settings.reconcile_interval_s) == (tmp_path, 250, 1.5)
    assert (settings.broker_url, settings.database_url, settings.rulesets) == ("redis://h", "postgresql://h/d", None)


def test_urls_of_a_running_farm_are_found_in_its_home_and_the_environment_goes_first(tmp_path: Path) -> None:
    (tmp_path / SERVICES_FILE).write_text(json.dumps({"broker_url": "redis://own", "database_url": "postgresql://own"}))
    environ = {"RULEFARM_HOME": str(tmp_path), "RULEFARM_BROKER_URL": "redis://given"}
    settings = Settings.from_env(environ)
    assert (settings.broker_url, settings.database_url) == ("redis://given", "postgresql://own")


@pytest.mark.parametrize("text", ["", "[", "{}", '{"broker_url": 1}'])
def test_a_broken_services_file_is_one_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / SERVICES_FILE).write_text(text)
    with pytest.raises(SettingsError, match=SERVICES_FILE):
        Settings.from_env({"RULEFARM_HOME": str(tmp_path)})


@pytest.mark.parametrize("text", ["many", "0", "-1", "1.5"])
def test_a_value_that_does_not_parse_is_an_error_for_whoever_asks_for_it(text: str) -> None:
    settings = Settings.from_env({"RULEFARM_CHUNK_ROWS": text})
    with pytest.raises(SettingsError, match="RULEFARM_CHUNK_ROWS"):
        _ = settings.chunk_rows
    with pytest.raises(SettingsError, match="RULEFARM_CHUNK_ROWS"):
        settings.check(but="flower_")
    assert settings.queue_limit == 10_000
    assert not hasattr(settings, "chunk_row")


@pytest.mark.parametrize("text", ["99999", "65536", "0", "-1", "http", "5555/tcp"])
def test_a_port_that_is_none_stops_only_flower(text: str) -> None:
    settings = Settings.from_env({"RULEFARM_FLOWER_PORT": text})
    settings.check(but="flower_")
    with pytest.raises(SettingsError, match="no port from 1 to 65535"):
        _ = settings.flower_port


@pytest.mark.parametrize("text", ["tcp://10.0.0.7:5555", "udp://10.0.0.7:53", "tcp://[fd00::7]:5555"])
def test_the_address_of_a_service_is_no_port_and_ignored_with_a_word(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert Settings.from_env({"RULEFARM_FLOWER_PORT": text}).flower_port == 5555
    assert "RULEFARM_FLOWER_PORT is the address of a service" in caplog.text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RULEFARM_FACTS_FRESH_S", "RULEFARM_FACTS_TTL_S"),
        ("RULEFARM_FACTS_CACHE", "RULEFARM_FACTS_CACHE_SIZE"),
        ("RULEFARM_RECONCILE_LIMIT", "RULEFARM_RECONCILE_BATCH_SIZE"),
        ("RULEFARM_DATABASE_POOL", "RULEFARM_DATABASE_POOL_SIZE"),
        ("RULEFARM_SILENCE_S", "RULEFARM_STALL_TIMEOUT_S"),
    ],
)
def test_an_old_name_is_read_with_a_warning_and_the_new_one_goes_first(old: str, new: str) -> None:
    field = new.removeprefix("RULEFARM_").lower()
    with pytest.warns(FutureWarning, match=f"{old} is now called {new}"):
        assert getattr(Settings.from_env({old: "7", new: ""}), field) == 7
    with pytest.warns(FutureWarning), pytest.raises(SettingsError, match=f"{old} is 'many'"):
        getattr(Settings.from_env({old: "many"}), field)
    # No warning, which would be an error here.
    assert getattr(Settings.from_env({old: "7", new: "8"}), field) == 8
    assert old in DOCS.read_text(encoding="utf-8")


def test_the_page_lists_every_setting_with_its_default() -> None:
    page = DOCS.read_text(encoding="utf-8")
    for field in fields(Settings):
        if field.name == "regions":
            assert all(
                name in page for name in variables([RegionPlace(name="name", **dict.fromkeys(OF_A_REGION, "x"))])
            )
            continue
        assert f"| `RULEFARM_{field.name.upper()}` | {_shown(field.default)} |" in page


def _shown(default: object) -> str:
    return "" if default is None else f"`{default}`"


def test_a_home_that_leads_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    with pytest.raises(SettingsError, match="RULEFARM_HOME"):
        Settings.from_env({"RULEFARM_HOME": "~nobody-of-that-name/farm"})


REGIONS = {
    "RULEFARM_REGION": "sg",
    "RULEFARM_BROKER_URL": "redis://sg",
    "RULEFARM_DATABASE_URL": "postgresql://sg/d",
    "RULEFARM_FACTS_URL": "redis://facts",
    "RULEFARM_REGION_US_BROKER_URL": "redis://us",
    "RULEFARM_REGION_US_DATABASE_URL": "postgresql://us/d",
    "RULEFARM_REGION_BUDGET_S": "2",
}


def test_a_region_is_a_whole_farm_and_that_of_the_process_is_named_by_its_own_urls() -> None:
    settings = Settings.from_env(REGIONS)
    assert settings.in_region("sg") is settings
    other = settings.in_region("us")
    assert (other.region, other.broker_url, other.database_url) == ("us", "redis://us", "postgresql://us/d")
    # What is one region's is none of the other's.
    assert (other.facts_url, other.region_budget_s) == (None, 2.0)


def test_a_region_of_this_machine_is_named_by_its_home(tmp_path: Path) -> None:
    (tmp_path / SERVICES_FILE).write_text(json.dumps({"broker_url": "redis://own", "database_url": "postgresql://own"}))
    other = Settings.from_env({"RULEFARM_REGION_US_HOME": str(tmp_path)}).in_region("us")
    assert (other.home, other.broker_url, other.database_url) == (tmp_path, "redis://own", "postgresql://own")


def test_a_value_that_does_not_parse_is_no_matter_of_another_region() -> None:
    other = Settings.from_env(REGIONS | {"RULEFARM_FLOWER_PORT": "http"}).in_region("us")
    with pytest.raises(SettingsError, match="RULEFARM_FLOWER_PORT"):
        _ = other.flower_port


@pytest.mark.parametrize("name", ["us", "eu"])
def test_a_region_of_which_no_database_is_named_is_unknown(name: str) -> None:
    settings = Settings.from_env(REGIONS | {"RULEFARM_REGION_US_DATABASE_URL": ""})
    with pytest.raises(SettingsError, match=f"RULEFARM_REGION_{name.upper()}_DATABASE_URL") as caught:
        settings.in_region(name)
    assert caught.value.code == "unknown-region"


@pytest.mark.parametrize("name", ["SG", "s g", "1st", "", "all", "default", "a" * 17, "sg-1"])
def test_what_can_be_no_region_is_refused(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings().in_region(name)
    assert caught.value.code == "bad-region"
