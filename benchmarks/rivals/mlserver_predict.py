"""MLServer in one process: its parallel workers do not start with current uvloop. Arguments: model, names, port."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    folder, port = Path(tempfile.mkdtemp()), int(sys.argv[3])
    ports = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2}
    (folder / "settings.json").write_text(json.dumps({"parallel_workers": 0, "host": "127.0.0.1", **ports}))
    parameters = {"uri": os.path.abspath(sys.argv[1])}
    told = {"name": "fraud", "implementation": "mlserver_lightgbm.LightGBMModel", "parameters": parameters}
    (folder / "model-settings.json").write_text(json.dumps(told))
    program = Path(sys.executable).parent / "mlserver"
    os.execv(program, [str(program), "start", str(folder)])
