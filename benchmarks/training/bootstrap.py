"""Bootstrap interval of average precision: one sort and reweighting, against resampling with scikit-learn.

Ours draws 200 resamples of a million rows. The loop that people write draws rows, and sorts them
anew each time; it is timed on a few resamples and its time for 200 follows. Before anything is timed, a
resample's value is checked to equal scikit-learn's on the same drawn rows.
"""

from __future__ import annotations

import numpy as np
from benchmarks.harness import medians, report
from sklearn.metrics import average_precision_score

from tidewheel import metrics
from tidewheel.metrics import bootstrap, compiled

ROWS, RESAMPLES, LOOPED = 1_000_000, 200, 3


def data(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = (rng.random(n) < 0.1).astype(float)
    return y, np.round(rng.random(n) + 0.3 * y, 5)


def check_equal() -> None:
    y, score = data(20_000)
    measure = metrics.metric("average_precision")
    state = measure.prepare(y, score)
    counts = np.empty(len(y), np.uint16)
    compiled.draw(len(y), bootstrap.replicate_seed(0, 0), counts)
    drawn = np.repeat(state.order, counts)
    theirs = average_precision_score(y[drawn], score[drawn])
    assert abs(measure.function(*state.arguments, counts) - theirs) < 1e-12
    print(f"one resample of {len(y)} rows: {theirs:.6f} by both")


def main() -> None:
    check_equal()
    y, score = data(ROWS)
    rng = np.random.default_rng(1)

    def ours() -> None:
        metrics.interval("average_precision", y, score, resamples=RESAMPLES)

    def loop() -> None:
        for _ in range(LOOPED):
            drawn = rng.integers(0, ROWS, ROWS)
            average_precision_score(y[drawn], score[drawn])

    ours()
    times = medians({"tidewheel, 200 resamples": ours, f"scikit-learn loop, {LOOPED} resamples": loop})
    mine = times["tidewheel, 200 resamples"]
    theirs = times[f"scikit-learn loop, {LOOPED} resamples"] * RESAMPLES / LOOPED
    figures = {"ours_s": mine, "loop_s": theirs}
    report("training/bootstrap", figures, {"loop_over_ours": theirs / mine}, {"loop_over_ours": 20.0})


if __name__ == "__main__":
    main()
