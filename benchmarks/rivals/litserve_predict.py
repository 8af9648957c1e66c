"""LitServe with one worker: a list of numbers in, Booster.predict. Arguments: the model's file, names, the port."""

from __future__ import annotations

import sys
from pathlib import Path

import lightgbm
import litserve
import numpy as np


class Fraud(litserve.LitAPI):
    """Scores one row."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self.booster = lightgbm.Booster(model_str=Path(sys.argv[1]).read_text())

    def decode_request(self, request: dict[str, list[float]]) -> list[float]:
        """Take the row."""
        return request["row"]

    def predict(self, row: list[float]) -> float:
        """Score it."""
        return float(self.booster.predict(np.array([row]), num_threads=1)[0])

    def encode_response(self, score: float) -> dict[str, float]:
        """Answer."""
        return {"score": score}


if __name__ == "__main__":
    server = litserve.LitServer(Fraud(), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[3]), num_api_servers=1, log_level="warning", generate_client_file=False
    )
