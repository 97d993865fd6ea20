"""A cluster, compose and a builder of images are told what they take, and what the commands of rulefarm take."""

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from functools import cache
from pathlib import Path
from typing import Any

import click
import jsonschema
import kubernetes_validate
import pytest
import yaml

from cli.main import cli
from rulefarm.settings import Settings

pytestmark = pytest.mark.services

DEPLOY = Path(__file__).parents[2] / "deploy"
OVERLAYS = ("base", "overlays/eks", "overlays/gke", "overlays/aks")
KEDA = json.loads((Path(__file__).parent / "keda-2.17.schema.json").read_text())
#: Of Kubernetes: an older one, and the newest whose schemas are at hand.
VERSIONS = ("1.32", kubernetes_validate.latest_version())
#: Of a cloud's own kinds no schema is at hand: the fields that its documentation names.
CLOUD: dict[str, Any] = {
    "BackendConfig": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "timeoutSec": {"type": "integer"},
            "connectionDraining": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"drainingTimeoutSec": {"type": "integer"}},
            },
            "healthCheck": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"type": {"type": "string"}, "requestPath": {"type": "string"}, "port": {}},
            },
        },
    }
}
#: The domains that the Procfile has a worker for: a cluster has one for each, too.
DOMAINS = {
    domain
    for line in (DEPLOY.parent / "Procfile").read_text().splitlines()
    if "--domains " in line
    for domain in line.partition("--domains ")[2].split()[0].split(",")
}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl here, which has kustomize")


@cache
def built(folder: Path) -> list[dict[str, Any]]:
    """The objects of a folder, as `kubectl apply -k` would send them."""
    answer = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(answer.stdout))


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return built(DEPLOY / "k8s" / request.param)


def check(document: dict[str, Any]) -> None:
    """Refuse an object that a cluster would refuse, or take by half."""
    kind = document["kind"]
    if document["apiVersion"].startswith("keda.sh/"):
        jsonschema.validate(document, KEDA)
    elif kind in CLOUD:
        jsonschema.validate(document["spec"], CLOUD[kind])
    else:
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)


REFUSED = (jsonschema.ValidationError, kubernetes_validate.ValidationError)


def written() -> list[dict[str, Any]]:
    """The objects as they are written, before kustomize changes them: that needs no kubectl."""
    files = [path for path in sorted((DEPLOY / "k8s").rglob("*.yaml")) if path.name != "kustomization.yaml"]
    return [document for path in files for document in yaml.safe_load_all(path.read_text())]


def test_every_object_is_written_as_the_cluster_takes_it() -> None:
    kinds = {document["kind"] for document in written()}
    assert {"Deployment", "Service", "Job", "ScaledObject", "PodDisruptionBudget", "NetworkPolicy", "Ingress"} <= kinds
    for document in written():
        check(document)
        wrong = copy.deepcopy(document)
        wrong.get("spec", wrong)["replicaz"] = 1
        with pytest.raises(REFUSED):
            check(wrong)


@needs_kubectl
def test_every_object_is_as_the_cluster_takes_it(objects: list[dict[str, Any]]) -> None:
    assert {"Deployment", "Service", "Job", "ScaledObject", "PodDisruptionBudget", "NetworkPolicy"} <= {
        document["kind"] for document in objects
    }
    for document in objects:
        check(document)


def at(document: Any, path: str) -> Any:
    for step in path.split("/"):
        document = document[int(step)] if step.isdigit() else document[step]
    return document


@needs_kubectl
@pytest.mark.parametrize(
    ("kind", "place", "field"),
    [
        ("Deployment", "spec", "replica"),
        ("Deployment", "spec/template/spec/containers/0", "livenesProbe"),
        ("Deployment", "spec/template/spec/containers/0/securityContext", "readonlyRootFilesystem"),
        ("Job", "spec/template/spec", "restartpolicy"),
        ("Service", "spec/ports/0", "targetport"),
        ("PodDisruptionBudget", "spec", "maxUnavailble"),
        ("NetworkPolicy", "spec", "egres"),
        ("Ingress", "spec/rules/0/http/paths/0", "pathtype"),
        ("ScaledObject", "spec", "minReplicas"),
        ("ScaledObject", "spec/fallback", "behaviour"),
        ("ScaledObject", "spec/triggers/0/metadata", "targetQueryvalue"),
        ("BackendConfig", "spec/healthCheck", "path"),
    ],
)
def test_a_field_that_is_misspelt_is_refused(kind: str, place: str, field: str) -> None:
    document = copy.deepcopy(next(each for each in built(DEPLOY / "k8s/overlays/gke") if each["kind"] == kind))
    at(document, place)[field] = 1
    with pytest.raises(REFUSED):
        check(document)


@needs_kubectl
def test_scaling_by_postgres_is_a_component_of_any_overlay(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY / "k8s", tmp_path / "k8s")
    overlay = tmp_path / "k8s/overlays/mine"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text(
        "resources: [../../base]\ncomponents: [../../components/scale-by-postgres]\n"
    )
    documents = built(overlay)
    for document in documents:
        check(document)
    scaled = [document for document in documents if document["kind"] == "ScaledObject"]
    assert {trigger["type"] for each in scaled for trigger in each["spec"]["triggers"]} == {"postgresql"}


@needs_kubectl
def test_every_pod_runs_as_nobody_on_a_root_that_it_cannot_write_to(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] == 10001
        assert not pod["automountServiceAccountToken"]
        [container] = pod["containers"]
        secure = container["securityContext"]
        assert (secure["readOnlyRootFilesystem"], secure["allowPrivilegeEscalation"]) == (True, False)
        assert secure["capabilities"]["drop"] == ["ALL"]
        assert {"requests", "limits"} <= set(container["resources"])


@needs_kubectl
def test_secrets_are_named_and_never_written(objects: list[dict[str, Any]]) -> None:
    assert not [document for document in objects if document["kind"] == "Secret"]
    for document in objects:
        if document["kind"] == "ConfigMap":
            assert not [name for name in document["data"] if name.endswith(("_URL", "_PASSWORD"))]


@needs_kubectl
def test_every_command_is_one_of_rulefarm(objects: list[dict[str, Any]]) -> None:
    served = set()
    for pod in pods(objects):
        [container] = pod["containers"]
        served |= {domain for domain in (parsed(container["args"]).get("domains") or "").split(",") if domain}
        for probe in ("startupProbe", "livenessProbe"):
            if "exec" in container.get(probe, {}):
                program, *arguments = container[probe]["exec"]["command"]
                assert program == "rulefarm"
                parsed(arguments)
    assert served == DOMAINS


@needs_kubectl
def test_a_pod_has_the_time_to_finish_what_it_has_begun(objects: list[dict[str, Any]]) -> None:
    settings = Settings()
    for pod in pods(objects):
        options = parsed(pod["containers"][0]["args"])
        if "queue" in options:
            bulk = options["queue"] == "bulk"
            limit_s = settings.chunk_time_limit_s if bulk else settings.job_time_limit_s
            assert pod["terminationGracePeriodSeconds"] > limit_s


@needs_kubectl
def test_every_selector_finds_pods_and_every_port_is_open(objects: list[dict[str, Any]]) -> None:
    deployments = {
        each["metadata"]["name"]: each["spec"]["template"] for each in objects if each["kind"] == "Deployment"
    }
    labels = [template["metadata"]["labels"] for template in deployments.values()]
    for document in objects:
        spec = document.get("spec", {})
        if document["kind"] == "Service":
            [ports] = [
                template["spec"]["containers"][0]["ports"]
                for template in deployments.values()
                if spec["selector"].items() <= template["metadata"]["labels"].items()
            ]
            assert {port["targetPort"] for port in spec["ports"]} == {port["name"] for port in ports}
        elif document["kind"] == "PodDisruptionBudget":
            found = [each for each in labels if spec["selector"]["matchLabels"].items() <= each.items()]
            assert len(found) == 1
        elif document["kind"] == "ScaledObject":
            assert spec["scaleTargetRef"]["name"] in deployments


def test_compose_is_as_its_specification_has_it(tmp_path: Path) -> None:
    assert complaints_of_compose(DEPLOY / "compose.yaml") == 0
    wrong = copy.deepcopy(COMPOSE)
    wrong["services"]["beat"]["comand"] = ["beat"]
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(wrong))
    assert complaints_of_compose(tmp_path / "compose.yaml") != 0


def test_every_command_of_compose_is_one_of_rulefarm() -> None:
    roles = {name: each for name, each in COMPOSE["services"].items() if each["image"].startswith("rulefarm")}
    options = {name: parsed(each["command"]) for name, each in roles.items()}
    workers = [each["domains"] for each in options.values() if each.get("queue") == "interactive"]
    assert sorted(workers) == sorted(DOMAINS)
    assert {"migrate", "beat", "metrics", "flower"} <= set(roles)
    for each in roles.values():
        assert each["read_only"]
        assert each["cap_drop"] == ["ALL"]


def test_the_image_is_built_as_the_linter_of_its_file_would_have_it(tmp_path: Path) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    for name in ("Dockerfile", "test/servers.Dockerfile"):
        assert subprocess.run([linter, DEPLOY / name], capture_output=True, check=False).stdout == b""
    wrong = (DEPLOY / "Dockerfile").read_text().replace("WORKDIR /src", "WORKDIR src")
    (tmp_path / "Dockerfile").write_text(wrong)
    assert b"DL3000" in subprocess.run([linter, tmp_path / "Dockerfile"], capture_output=True, check=False).stdout


def test_all_packages_go_into_the_image() -> None:
    root = DEPLOY.parent
    kept = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    settings = ConfigParser()
    settings.read(root / "setup.cfg")
    packages = {name.partition(".")[0] for name in settings["options"]["packages"].split()}
    assert {"client" if package == "rulefarm" else package for package in packages} <= kept
    assert {"setup.cfg", "pyproject.toml", "README.md", "LICENSE", "Procfile"} <= kept


def complaints_of_compose(file: Path) -> int:
    checker = Path(sys.executable).with_name("check-jsonschema")
    command = [checker, "--builtin-schema", "vendor.compose-spec", file]
    return subprocess.run(command, capture_output=True, check=False).returncode


def pods(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for document in objects:
        if document["kind"] in ("Deployment", "Job"):
            yield document["spec"]["template"]["spec"]


def parsed(arguments: list[str]) -> dict[str, Any]:
    """The options of a command of rulefarm, read as the command reads them.

    Args:
        arguments: what comes after `rulefarm`.
    """
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        name, *arguments = arguments
        found = command.get_command(context, name)
        assert found is not None, name
        command = found
    return command.make_context(name, list(arguments)).params
