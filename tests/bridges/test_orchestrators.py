"""What is compiled for an orchestrator is a file it takes: it compiles, keeps to the schema, and runs."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from tests.conftest import need_extra
from tests.shop import done, filled_shop, tidewheel

from tidewheel.bridges.orchestrators import TARGETS, kubernetes, training_pipeline
from tidewheel.errors import InputError

SHOP = training_pipeline("The Shop", "/srv/it's", ["Fraud", "Churn"], deploy="5%", image="shop/fraud:7")


def test_each_node_calls_the_command_line() -> None:
    assert SHOP.name == "the-shop"
    assert [node.name for node in SHOP.nodes] == ["train_fraud", "deploy_fraud", "train_churn", "deploy_churn"]
    assert SHOP.nodes[1].command[-4:] == ("deploy", "Fraud@latest", "--canary", "5%")
    assert SHOP.nodes[1].needs == ("train_fraud",)


@pytest.mark.parametrize("target", ["airflow", "dagster", "prefect"])
def test_the_python_compiles_and_names_every_node(target: str) -> None:
    tree = ast.parse(TARGETS[target](SHOP))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert {node.name for node in SHOP.nodes} <= texts
    assert "0 3 * * *" in texts


def test_the_manifest_keeps_to_the_schema_of_kubernetes() -> None:
    need_extra("kubernetes_validate")
    import kubernetes_validate

    for pipeline in (SHOP, training_pipeline("s", "/app", ["Fraud"], image="a:1")):
        manifest = json.loads(kubernetes(pipeline))
        kubernetes_validate.validate(manifest, "1.30", strict=True)
    pod = json.loads(kubernetes(SHOP))["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    order = [container["name"] for container in pod["initContainers"] + pod["containers"]]
    assert order == ["train-fraud", "deploy-fraud", "train-churn", "deploy-churn"]


def test_what_it_refuses() -> None:
    with pytest.raises(InputError, match="no schedule"):
        training_pipeline("s", "/app", ["Fraud"], cron="daily")
    with pytest.raises(InputError, match="no model"):
        training_pipeline("s", "/app", [])
    with pytest.raises(InputError, match="needs an image"):
        kubernetes(training_pipeline("s", "/app", ["Fraud"]))


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    shop = filled_shop(tmp_path / "shop")
    out = tmp_path / "made.py"
    told = done("pipeline", "export", "--to", "dagster", "--out", str(out), folder=shop).out
    assert "1 nodes, 0 3 * * *" in told
    assert str(shop) in out.read_text()
    ran = tidewheel("pipeline", "export", "SentBak", "--to", "airflow", folder=shop)
    assert ran.code == 1
    assert "SentBack" in ran.err
