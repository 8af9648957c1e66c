"""The model that a version's run kept in its library's own form."""

from __future__ import annotations

from typing import Any

from tidewheel.errors import NotFoundError
from tidewheel.registry.models.bundles import ArtifactStore
from tidewheel.registry.runs.runs import PICKLE, get_run
from tidewheel.registry.versions.versions import get_version
from tidewheel.storage.catalog import Catalog
from tidewheel.training.fit.kept import load_kept
from tidewheel.training.fit.native import FORMS


def kept_model(catalog: Catalog, artifacts: ArtifactStore, name: str, *, allow_pickle: bool = False) -> Any:
    """Return a version's model, as its library reads it: a booster, tensors by name, an estimator.

    Parameters
    ----------
    catalog : Catalog
    artifacts : ArtifactStore
        The file is checked by its hash, which stands in the catalog, before anything of it is read.
    name : str
        ``Fraud@3``.
    allow_pickle : bool
        Whether a pickle may be loaded: that runs whatever code it names.

    Raises
    ------
    NotFoundError
        There is no such version, or its run kept no model.
    InputError
        It is a pickle, and these are not allowed.
    CorruptError
        It is damaged.
    """
    version = get_version(catalog, name)
    kept = get_run(catalog, version.run).artifacts
    form = next((form for form in (*FORMS, PICKLE) if form in kept), "")
    if not form:
        raise NotFoundError(
            f"the run of {version.name} kept no model of its library's own",
            remedy="skops keeps scikit-learn's (pip install 'tidewheel[skops]'), allow_pickle=True any other",
        )
    content = artifacts.get(artifacts.current(kept[form])).read_bytes()
    return load_kept(form, content, version.name, allow_pickle=allow_pickle)
