"""Backfills in small slices, to be killed by a test."""

from __future__ import annotations

import sys

import msgspec
from test_backfilling import Sale, SaleView, ShopHistory

from tidewheel.features.replay.batch import Batch
from tidewheel.workspace.features import backfilling
from tidewheel.workspace.opening import open_workspace

if __name__ == "__main__":

    def small(job: backfilling.Job, folder: backfilling.Path) -> Batch:
        return Batch(msgspec.structs.replace(job, rows=100), folder)

    backfilling.Batch = small  # type: ignore[assignment, misc]  # many slices, so that there is much to be killed in
    with open_workspace(sys.argv[1], [Sale, ShopHistory, SaleView]) as ws:
        print("begun", flush=True)
        ws.backfill(SaleView)
