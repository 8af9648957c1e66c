"""The peer of serving/batching: BentoML with its adaptive batcher over the same net in ONNX Runtime, on one thread.

Arguments: the ONNX file, the port.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

SERVICE = """
import os

import bentoml
import numpy as np
import onnxruntime


@bentoml.service(workers=1, traffic={"timeout": 30}, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Net:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["NET"], options, providers=["CPUExecutionProvider"])

    @bentoml.api(batchable=True, max_batch_size=32, max_latency_ms=1000)
    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.session.run(None, {"x": x.astype(np.float32)})[0]
"""


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "service.py").write_text(SERVICE)
    os.environ.update(NET=sys.argv[1], BENTOML_DO_NOT_TRACK="True", OMP_NUM_THREADS="1")
    os.chdir(folder)
    bentoml = str(Path(sys.executable).parent / "bentoml")
    os.execv(bentoml, [bentoml, "serve", "service:Net", "--port", sys.argv[2], "--host", "127.0.0.1"])


if __name__ == "__main__":
    main()
