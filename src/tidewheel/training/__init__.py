"""Data set, split, tune, fit, evaluate, gates, register: a model's declaration in, a version out."""

from tidewheel.training.compare import Comparison, compare
from tidewheel.training.context import DECISION_COLUMNS, Progress, TrainingContext
from tidewheel.training.data.findings import Finding
from tidewheel.training.rerun import RerunReport, rerun
from tidewheel.training.results import TrainResult
from tidewheel.training.train import train

__all__ = [
    "DECISION_COLUMNS",
    "Comparison",
    "Finding",
    "Progress",
    "RerunReport",
    "TrainResult",
    "TrainingContext",
    "compare",
    "rerun",
    "train",
]
