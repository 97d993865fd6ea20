"""What the page on deployment names is there, and its commands are taken; the pictured farm has a test of its own."""

import re
from pathlib import Path

import click
import pytest
import yaml

from cli.main import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BASE = ROOT / "deploy" / "k8s" / "base"


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?<![\w/])deploy/(?!beat)[\w./-]+\w", PAGE))
    assert {"deploy/Dockerfile", "deploy/compose.yaml", "deploy/nginx.conf", "deploy/k8s/base"} <= named
    for path in named:
        assert (ROOT / path).exists(), path
    for overlay in ("gke", "aks"):
        assert f"`{overlay}`" in PAGE
        assert (ROOT / "deploy/k8s/overlays" / overlay).exists()
    assert "components: [../../components/scale-by-postgres]" in PAGE
    assert (ROOT / "deploy/k8s/components/scale-by-postgres").exists()


@pytest.mark.parametrize("line", sorted(set(re.findall(r"`rulefarm ([a-z][^`]*)`", PAGE))))
def test_a_command_on_the_page_is_taken(line: str) -> None:
    name, *arguments = line.replace(" D", " payment").split()
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, line
    command.make_context(name, arguments)


def test_goals_of_make_are_there() -> None:
    goals = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\w+)$", PAGE, re.MULTILINE)) <= goals


def test_the_times_to_end_are_those_of_the_manifests() -> None:
    told = re.search(r"(\d+) s for jobs, (\d+) s for chunks, (\d+) s for a gateway", PAGE)
    assert told is not None
    jobs, chunks, gateway = map(int, told.groups())
    worker = yaml.safe_load((BASE / "worker/deployment.yaml").read_text())
    assert worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == jobs
    assert f"value: {chunks}\n" in (BASE / "workers/bulk/kustomization.yaml").read_text()
    first = next(yaml.safe_load_all((BASE / "gateway.yaml").read_text()))
    assert first["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == gateway


def test_settings_that_are_named_exist() -> None:
    known = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    ours = {"RULEFARM_PASSWORD", "RULEFARM_HTPASSWD", "RULEFARM_HTTP_PORT"}
    for name in set(re.findall(r"RULEFARM_\w+", PAGE)) - ours:
        assert f"`{name}`" in known, name
    compose = (ROOT / "deploy/compose.yaml").read_text()
    assert all(name in compose for name in ours)
