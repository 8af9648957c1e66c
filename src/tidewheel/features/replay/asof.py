"""One group's features for given entities as of given instants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from tidewheel.definitions import ir
from tidewheel.errors import FeatureError
from tidewheel.features.planning.view import plan_group_alone
from tidewheel.features.replay.backfill import compute_view, to_table

if TYPE_CHECKING:
    from tidewheel.collect import History


def read_group(
    history: History,
    graph: ir.Graph,
    group: ir.Group,
    keys: Mapping[str, Sequence[object]],
    instants: Sequence[int],
    *,
    visibility: ir.Visibility = "arrival",
) -> pa.Table:
    """Return a group's features, one row per entity and instant, in the order given.

    Parameters
    ----------
    keys : mapping
        Per part of the group's `by`, in its names: one value per row.
    instants : sequence of int
        Microseconds; a row sees what had arrived before its instant.
    visibility : str
        As in `read_view`.

    Raises
    ------
    FeatureError
        When a key part is missing.
    """
    missing = [part for part in group.by if part not in keys]
    if missing:
        raise FeatureError(
            f"no value for the key {', '.join(missing)}", where=group.name, remedy=f"name all of {', '.join(group.by)}"
        )
    times = pa.array(instants, pa.int64())
    columns = {part: pa.array(keys[part]) for part in group.by}
    rows = pa.table({"_at": times, "_arrived": times, **columns})
    plan = plan_group_alone(graph, group)
    return to_table(compute_view(history, graph, plan, rows, visibility=visibility), rows)
