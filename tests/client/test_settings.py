"""Settings come from RULEFARM_* variables, and the URLs of a running embedded farm from its home."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from rulefarm.errors import SettingsError
from rulefarm.settings import SERVICES_FILE, Settings

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
        assert f"| `RULEFARM_{field.name.upper()}` | {_shown(field.default)} |" in page


def _shown(default: object) -> str:
    return "" if default is None else f"`{default}`"


def test_a_home_that_leads_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    with pytest.raises(SettingsError, match="RULEFARM_HOME"):
        Settings.from_env({"RULEFARM_HOME": "~nobody-of-that-name/farm"})
