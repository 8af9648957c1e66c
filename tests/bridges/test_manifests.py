"""What is written for Kubernetes keeps to its schemas, and says what the settings say."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import need_extra
from tests.shop import empty_shop, tidewheel

from tidewheel.bridges.manifests import Cluster, manifests
from tidewheel.errors import ConfigError, InputError
from tidewheel.runtime.config import Settings

SETTINGS = Settings(
    catalog="postgresql://db/ml", log="kafka://one:9092", state="redis://cache", lake="s3://b/lake",
    artifacts="s3://b/artifacts", workers=4, partitions=2, grpc_port=8701,
)  # fmt: skip
SERVERS = """
catalog = "postgresql://db/ml"
log = "kafka://one:9092"
state = "redis://cache"
lake = "s3://b/lake"
artifacts = "s3://b/artifacts"
"""
CHECK = """
import { readFileSync } from "node:fs";
const models = {
  ScaledObject: "@kubernetes-models/keda/keda.sh/v1alpha1",
  ServiceMonitor: "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1",
};
const each = JSON.parse(readFileSync("object.json"));
const Model = (await import(models[each.kind]))[each.kind];
new Model(each).validate();
"""
"""By classes that are generated from the operators' own definitions."""


def items(**asked: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the objects by kind and name."""
    text = manifests(SETTINGS, Cluster("fraud", "shop/fraud:7", env="prod", **asked))
    return {(each["kind"], each["metadata"]["name"]): each for each in json.loads(text)["items"]}


@pytest.mark.parametrize("scale", ["hpa", "keda", "none"])
def test_objects_of_kubernetes_keep_to_its_schema(scale: Any) -> None:
    need_extra("kubernetes_validate")
    import kubernetes_validate

    for (kind, _), each in items(scale=scale, secret="fraud").items():
        if kind not in ("ScaledObject", "ServiceMonitor"):
            kubernetes_validate.validate(each, "1.30", strict=True)


@pytest.mark.slow
def test_objects_of_operators_keep_to_theirs(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm and node are not installed: apt install nodejs npm")
    models = ["@kubernetes-models/keda@2.0.0", "@kubernetes-models/prometheus-operator@6.0.0"]
    subprocess.run([npm, "install", "--silent", "--no-audit", *models], cwd=tmp_path, check=True, timeout=200)
    (tmp_path / "check.mjs").write_text(CHECK)

    def valid(each: dict[str, Any]) -> bool:
        (tmp_path / "object.json").write_text(json.dumps(each))
        return (
            subprocess.run([node, "check.mjs"], cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode
            == 0
        )

    found = items(scale="keda", secret="fraud")
    scaled, monitor = found["ScaledObject", "fraud-serve"], found["ServiceMonitor", "fraud-serve"]
    assert valid(scaled)
    assert valid(monitor)
    del scaled["spec"]["triggers"], monitor["spec"]["endpoints"]
    assert not valid(scaled), "the check sees what is missing"
    assert not valid(monitor)


def test_hosts_that_answer_are_probed_and_scaled() -> None:
    found = items()
    pod = found["Deployment", "fraud-serve"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert {each["name"]: each["value"] for each in container["env"]} == {
        "TIDEWHEEL_ROLE": "serve", "TIDEWHEEL_DATA": "/data", "TIDEWHEEL_HOST": "0.0.0.0", "TIDEWHEEL_ENV": "prod",
    }  # fmt: skip
    assert [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")] == [
        "/startupz", "/readyz", "/livez",
    ]  # fmt: skip
    assert [each["containerPort"] for each in container["ports"]] == [8700, 8701]
    assert container["resources"]["requests"]["cpu"] == "4"
    scaler = found["HorizontalPodAutoscaler", "fraud-serve"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"], scaler["scaleTargetRef"]["name"]) == (2, 10, "fraud-serve")
    assert "replicas" not in found["Deployment", "fraud-serve"]["spec"], "the autoscaler's, else each apply resets it"
    assert found["Deployment", "fraud-work"]["spec"]["replicas"] == 2
    selected = found["Service", "fraud-serve"]["spec"]["selector"]
    labels = found["Deployment", "fraud-serve"]["spec"]["template"]["metadata"]["labels"]
    assert selected.items() <= labels.items()
    assert not selected.items() <= found["Deployment", "fraud-work"]["spec"]["template"]["metadata"]["labels"].items()


def test_what_it_refuses() -> None:
    with pytest.raises(ConfigError, match="can't share log, state"):
        manifests(Settings(catalog="postgresql://d/m", lake="s3://b", artifacts="s3://a"), Cluster("fraud", "i"))
    with pytest.raises(InputError, match="can't name"):
        manifests(SETTINGS, Cluster("Fraud!", "i"))
    with pytest.raises(InputError, match="from 5 to 2 hosts"):
        manifests(SETTINGS, Cluster("fraud", "i", least=5, most=2))


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    shop = empty_shop(tmp_path / "My Shop")
    refused = tidewheel("manifests", "--image", "a:1", folder=shop)
    assert refused.code == 1
    assert "own disk" in refused.err
    with (shop / "tidewheel.toml").open("a") as file:
        file.write("[env.prod]" + SERVERS)
    ran = tidewheel("--env", "prod", "manifests", "--image", "a:1", "--scale", "keda", folder=shop)
    assert ran.code == 0, ran.err
    assert {each["metadata"]["name"] for each in ran.json["items"]} == {"my-shop-serve", "my-shop-work"}
