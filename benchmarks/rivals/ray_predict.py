"""Ray Serve with one replica. Arguments: the model's file, names, the port."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import lightgbm
import numpy as np
import ray
from ray import serve
from starlette.requests import Request


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0})
class Fraud:
    """Scores one row."""

    def __init__(self, model: str) -> None:
        self.booster = lightgbm.Booster(model_str=model)

    async def __call__(self, request: Request) -> dict[str, float]:
        """Score it."""
        row = (await request.json())["row"]
        return {"score": float(self.booster.predict(np.array([row]), num_threads=1)[0])}


if __name__ == "__main__":
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=200_000_000, configure_logging=False)
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[3])})
    serve.run(Fraud.bind(Path(sys.argv[1]).read_text()), route_prefix="/predict")
    signal.sigwait([signal.SIGTERM, signal.SIGINT])
    ray.shutdown()
