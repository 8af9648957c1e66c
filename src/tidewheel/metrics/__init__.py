"""Scores and labels in, numbers with intervals out. Pure: no storage, no clock, no models.

`metric` finds a measure by the name a model declares; `interval` and `difference` put a
bootstrap around it; `psi`, `chi_square` and `kolmogorov_smirnov` compare two samples.
"""

from tidewheel.metrics.bootstrap import Difference, Interval, difference, interval
from tidewheel.metrics.distribution import crps_ensemble, crps_quantiles, interval_coverage, interval_score
from tidewheel.metrics.drift import Psi, TwoSampleTest, chi_square, kolmogorov_smirnov, psi
from tidewheel.metrics.histogram import bin_counts, quantile_edges
from tidewheel.metrics.probability import (
    BrierParts,
    ReliabilityBin,
    accuracy,
    brier,
    brier_decomposition,
    calibration_error,
    log_loss,
    reliability,
    wilson,
)
from tidewheel.metrics.ranking import average_precision, precision_at, recall_at, roc_auc
from tidewheel.metrics.registry import Metric, metric, names
from tidewheel.metrics.regression import mae, r2, rmse

__all__ = [
    "BrierParts",
    "Difference",
    "Interval",
    "Metric",
    "Psi",
    "ReliabilityBin",
    "TwoSampleTest",
    "accuracy",
    "average_precision",
    "bin_counts",
    "brier",
    "brier_decomposition",
    "calibration_error",
    "chi_square",
    "crps_ensemble",
    "crps_quantiles",
    "difference",
    "interval",
    "interval_coverage",
    "interval_score",
    "kolmogorov_smirnov",
    "log_loss",
    "mae",
    "metric",
    "names",
    "precision_at",
    "psi",
    "quantile_edges",
    "r2",
    "recall_at",
    "reliability",
    "rmse",
    "roc_auc",
    "wilson",
]
