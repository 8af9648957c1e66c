"""A plain FastAPI endpoint: pydantic in, Booster.predict, JSON out. No features, no rules, no journal.

Arguments: the model's file, the names of the features, the port.
"""

from __future__ import annotations

import sys
from pathlib import Path

import lightgbm
import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import create_model

booster = lightgbm.Booster(model_str=Path(sys.argv[1]).read_text())
names = sys.argv[2].split(",")
Row = create_model("Row", id=(str, ...), **dict.fromkeys(names, (float, ...)))
app = FastAPI()


@app.post("/predict")
async def predict(row: Row) -> dict[str, object]:
    """Return the score of one row."""
    values = np.array([[getattr(row, name) for name in names]])
    score = float(booster.predict(values, num_threads=1)[0])
    return {"id": row.id, "score": score, "decision": "review" if score >= 0.6 else "allow"}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), access_log=False, log_level="warning")
