"""A model that was fitted elsewhere, made a version: judged on our rows, by our gates."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tidewheel.bridges.imported import Imported
from tidewheel.bridges.mlflow_models import read_mlflow
from tidewheel.definitions import ir
from tidewheel.definitions.language.places import likely
from tidewheel.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    from tidewheel.training import TrainResult
    from tidewheel.workspace.workspace import Workspace


def import_model(
    workspace: Workspace,
    source: str,
    model: str,
    *,
    columns: Sequence[str] = (),
    pickles: bool = False,
    url: str = "",
    progress: Any = None,
) -> TrainResult:
    """Make an MLflow model the next version of one of ours, without fitting anything.

    It goes the way of every version: the data set is built, the model is proved equal to its library on the test
    rows, measured, compared and put before the gates.

    Parameters
    ----------
    source : str
        A folder with an ``MLmodel`` file; or ``models:/Name/3``, ``models:/Name@alias`` or ``runs:/ID/path`` of the
        tracking server, where ``mlflow:/Name/3`` is the same as ``models:/Name/3``.
    model : str
        The declared model of which it becomes a version.
    columns : sequence of str
        Names of the model's columns in its order, where it does not tell.
    pickles : bool
        Whether a pickle may be loaded.
    url : str
        The tracking server; by default that of the settings.

    Raises
    ------
    SchemaError
        Its columns are not those of the model's view.
    InputError, FileError, MissingExtraError
        See `tidewheel.bridges.mlflow_models.read_mlflow`.
    """
    from tidewheel.training import train

    workspace.publish()
    workspace.sync()
    context = workspace.training_context()
    declared = context.model(model)
    with _folder(source, url or workspace.stores.settings.mlflow) as folder:
        found = read_mlflow(folder, pickles=pickles)
    check_columns(tuple(columns) or found.names, context.view(declared), source, found.known_levels)
    digest = hashlib.sha256(b"".join(content for _, content in sorted(found.kept.items()))).hexdigest()
    taken = msgspec.structs.replace(
        declared, estimator=f"imported {found.kind} {digest}", search="", trials=0, tune=None
    )
    models = tuple(taken if one.name == model else one for one in context.graph.models)
    context = replace(
        context, graph=msgspec.structs.replace(context.graph, models=models), models={model: _holder(model, found)}
    )
    return train(context, model, cause="import", new=True, progress=progress)


def check_columns(names: Sequence[str], view: ir.View, source: str, categories: Collection[str] = ()) -> None:
    """Hold a model's columns to a view's: the same names, in the same order; categories where the view has them.

    Raises
    ------
    SchemaError
        They differ.
    """
    have = [column.name for column in view.columns]
    texts = [column.name for column in view.columns if column.text]
    coded = [name for name in texts if name not in categories]
    if coded:
        raise SchemaError(
            f"{view.name} has categories ({', '.join(coded)}), and what the model codes them by is not known",
            where=source, remedy="import into a view of numbers: tw.transform.one_hot makes some of a category",
        )  # fmt: skip
    numbers = [name for name in categories if name in have and name not in texts]
    if numbers:
        raise SchemaError(
            f"the model takes {', '.join(numbers)} as a category, and {view.name} as a number",
            where=source, remedy="declare it as a tw.Category, or fit the model on numbers",
        )  # fmt: skip
    if not names:
        raise SchemaError(
            "the model does not name its columns", where=source, remedy="give them in order: --columns a,b"
        )
    for name in names:
        if name not in have:
            raise SchemaError(f"{view.name} has no column {name!r}", where=source, remedy=likely(name, have))
    left = [name for name in have if name not in names]
    if left:
        raise SchemaError(
            f"the model does not take {', '.join(left)} of {view.name}", where=source, remedy="leave them out"
        )
    if list(names) != have:
        raise SchemaError(
            f"the model takes the columns of {view.name} in another order", where=source,
            remedy=f"declare them as: {', '.join(names)}",
        )  # fmt: skip


def _holder(model: str, estimator: Imported) -> type[Any]:
    """Return what stands for the live declaration: it holds the estimator."""
    return type(model, (), {"estimator": estimator})


@contextmanager
def _folder(source: str, url: str) -> Iterator[Path]:
    """Give the model's folder; one on a server is downloaded, and removed afterwards."""
    scheme, colon, rest = source.partition(":")
    if not colon or scheme not in ("mlflow", "models", "runs"):
        yield Path(source).expanduser()
        return
    if not url:
        raise ConfigError("no MLflow server is named", remedy='give --from URL, or set mlflow = "http://host:5000"')
    from tidewheel.bridges.mlflow import downloaded

    with tempfile.TemporaryDirectory(prefix="tidewheel-import-") as scratch:
        yield downloaded(f"{'models' if scheme == 'mlflow' else scheme}:{rest}", url, Path(scratch))
