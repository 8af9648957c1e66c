"""BentoML with one worker: a list of numbers in, Booster.predict. Arguments: the model's file, names, the port."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bentoml
import lightgbm
import numpy as np


@bentoml.service(workers=1, metrics={"enabled": False})
class Fraud:
    """Scores one row."""

    def __init__(self) -> None:
        self.booster = lightgbm.Booster(model_str=Path(os.environ["MODEL"]).read_text())

    @bentoml.api
    def predict(self, row: list[float]) -> dict[str, float]:
        """Score it."""
        return {"score": float(self.booster.predict(np.array([row]), num_threads=1)[0])}


if __name__ == "__main__":
    os.environ["MODEL"] = os.path.abspath(sys.argv[1])
    os.chdir(Path(__file__).parent)
    command = [sys.executable, "-m", "bentoml", "serve", "bentoml_predict:Fraud", "--host", "127.0.0.1"]
    os.execv(sys.executable, [*command, "--port", sys.argv[3]])
