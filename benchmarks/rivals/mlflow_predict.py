"""``mlflow models serve`` with one worker. Arguments: the model's file, names, the port."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import lightgbm
import mlflow.lightgbm

if __name__ == "__main__":
    folder = Path(tempfile.mkdtemp()) / "model"
    mlflow.lightgbm.save_model(lightgbm.Booster(model_str=Path(sys.argv[1]).read_text()), folder)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
    os.execv(sys.executable, [*command, "--host", "127.0.0.1", "--port", sys.argv[3], "--workers", "1"])
