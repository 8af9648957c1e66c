"""Lists from a real server: JSON, many at once, the client, the document, ``why``, parity."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from examples.movies import project
from examples.movies.generate import world, write
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from tests.shop import done
from tests.system.live import Client as Plain
from tests.system.live import Server

from tidewheel.client import Client

RECOMMEND = "/v1/services/Recommend"
ROWS = world(datetime.now(UTC) - timedelta(days=3), users=30, movies=80, requests=300)


@pytest.fixture(scope="module")
def movies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("movies")
    patient = Path(str(project.__file__)).read_text().replace('deadline = "100ms"', 'deadline = "10s"')
    (folder / "project.py").write_text(patient)
    (folder / "tidewheel.toml").write_text('project = "project.py"\nmax_map = "256MB"\nflush_every = "1s"\n')
    write(folder / "data", ROWS)
    for name in ROWS:
        done("ingest", str(folder / f"data/{name}.parquet"), "--as", name, folder=folder)
    for model in ("Ranker", "Playing", "Saving"):
        done("train", model, folder=folder)
    done("deploy", "Ranker@1", folder=folder)
    done("deploy", "Playing@1+Saving@1", folder=folder)
    done("deploy", "Playing@1+Ranker@1", "--service", "Staged", folder=folder)
    done("tick", "--job", "tick Nightly", folder=folder)
    done("tick", "--job", "lists Overnight by User", folder=folder)
    with Server(folder, workers=1) as server:
        yield server
        assert "Traceback" not in server.told()


@pytest.fixture
def plain(movies: Server) -> Iterator[Plain]:
    client = Plain(movies.port)
    yield client
    client.close()


def test_a_list_over_http(plain: Plain) -> None:
    status, answer = plain.post(RECOMMEND, {"id": "q1", "user": "u1"})
    assert status == 200
    assert (answer["model"], answer["arm"], "fallback" in answer) == ("Ranker@1", "champion", False)
    assert len(answer["items"]) == 10
    assert all(item["id"] and item["source"] and isinstance(item["score"], float) for item in answer["items"])
    assert plain.post(RECOMMEND, {"id": "q1", "user": "u2"}) == (200, answer)
    assert plain.post(RECOMMEND, {"user": "u2"})[0] == 400
    status, unknown = plain.post("/v1/services/Similar", {"id": "q2", "user": "u1", "movie": "nobody"})
    assert (status, unknown.get("items", [])) == (200, [])


def test_many_lists_in_one_request(plain: Plain, movies: Server) -> None:
    asked: list[dict[str, Any]] = [{"id": f"b{k}", "user": f"u{k}"} for k in range(4)]
    status, told = plain.post(RECOMMEND, [*asked, {"user": "u1"}])
    assert status == 200
    assert [len(answer.get("items", [])) for answer in told] == [10] * 4 + [0]
    with Client(f"http://127.0.0.1:{movies.port}") as client:
        table = client.decide_many("Recommend", pa.Table.from_pylist(asked))
    assert [json.loads(text) for text in table["items"].to_pylist()] == [answer["items"] for answer in told[:4]]


def test_the_client_returns_the_list(movies: Server) -> None:
    with Client(f"http://127.0.0.1:{movies.port}") as client:
        decision = client.decide("Similar", {"id": "c1", "user": "u1", "movie": "m3"})
    assert len(decision.items) == 5
    assert {item["source"] for item in decision.items} == {"nearest(Movie.embedding)"}
    assert "m3" not in {item["id"] for item in decision.items}


def test_the_document_tells_of_lists(plain: Plain) -> None:
    document = plain.get("/openapi.json")[1]
    validate(document)
    answer = plain.post(RECOMMEND, {"id": "d1", "user": "u1"})[1]
    schema = {"$ref": "#/components/schemas/Answer", "components": document["components"]}
    held = OAS31Validator(schema)
    assert held.is_valid(answer)
    assert not held.is_valid(answer | {"items": [{"score": 1.0}]})
    searched = document["paths"]["/v1/services/Search"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert plain.post("/v1/services/Search", searched)[0] == 200
    explained = plain.get(f"/v1/decisions/{answer['decision_id']}")[1]
    assert explained["replay"]["equal"], explained["replay"]
    assert [item["id"] for item in explained["items"]] == [item["id"] for item in answer["items"]]


def test_lists_by_several_models(plain: Plain, movies: Server) -> None:
    for service, models in (("Mixed", ["Playing", "Saving"]), ("Staged", ["Playing", "Ranker"])):
        status, answer = plain.post(f"/v1/services/{service}", {"id": f"s-{service}", "user": "u3"})
        assert (status, "fallback" in answer) == (200, False), answer
        assert answer["model"] == "+".join(f"{model}@1" for model in models)
        told = plain.get(f"/v1/decisions/{answer['decision_id']}")[1]
        assert told["replay"]["equal"], told["replay"]
        assert told["replay"]["score_equal"]
        assert [stage["model"] for stage in told["stages"] if stage["model"]] == [f"{model}@1" for model in models]
        assert [item["score"] for item in told["items"]] == [item["score"] for item in answer["items"]]
        assert all(list(item["scores"]) == models for item in told["items"])
    planned = done("plan", folder=movies.folder).out
    assert "Playing, the best 60 by Ranker; Playing by 5s, Ranker by 10s" in " ".join(planned.split())


def test_candidates_made_at_night(plain: Plain, movies: Server) -> None:
    status, answer = plain.post("/v1/services/Morning", {"id": "n1", "user": "u4"})
    assert status == 200
    assert {item["source"] for item in answer["items"]} == {"stored(Overnight)"}
    assert answer["age"] > 0
    told = plain.get(f"/v1/decisions/{answer['decision_id']}")[1]
    assert told["stored"] == "fresh"
    night = plain.get(f"/v1/decisions/{told['stored_run']}")[1]
    assert (night["service"], night["inputs"]["user"]) == ("Overnight", "u4")
    assert {item["id"] for item in answer["items"]} <= {item["id"] for item in night["items"]}
    status, live = plain.post("/v1/services/Morning", {"id": "n2", "user": "stranger"})
    assert (status, "age" in live) == (200, False)
    assert live["items"]
    counted = plain.get("/metrics")[1]
    for outcome in ("fresh", "missing"):
        assert f'tidewheel_stored_total{{service="Morning",outcome="{outcome}"' in counted


def test_what_was_served_is_explained_and_replayed(plain: Plain, movies: Server) -> None:
    answer = plain.post(RECOMMEND, {"id": "w1", "user": "u5"})[1]
    play = {"request": "w1", "movie": answer["items"][0]["id"], "user": "u5", "genre": "drama", "minutes": 9.0}
    assert plain.post("/v1/events/Play", [play])[1]["accepted"] == 1
    told = done("why", answer["decision_id"], folder=movies.folder).out
    assert answer["items"][0]["id"] in told
    assert "nearest(Movie.embedding)" in told
    checked = done("features", "check", "--sample", "0", "--json", folder=movies.folder).json
    assert checked["checked"] >= 10
    assert checked["differences"] == 0
