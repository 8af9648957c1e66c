"""Read LightGBM's text model format into `Trees`, without LightGBM."""

from __future__ import annotations

from collections.abc import Iterator

from tidewheel.errors import CorruptError
from tidewheel.kernel.models.trees import CATEGORICAL, DEFAULT_LEFT, Tree, Trees, build_trees


def parse_lightgbm(text: str, *, base: float = 0.0) -> Trees:
    """Read a model as ``Booster.model_to_string()`` writes it.

    Parameters
    ----------
    text : str
        A model of one output (binary, regression, ranking), without linear leaves.
    base : float
        What boosting started from, where the text does not hold it (an ``init_score``).

    Returns
    -------
    Trees
        Its raw scores equal ``Booster.predict(raw_score=True)`` to the last bit. A forest
        (``boosting=rf``) is averaged here, as ``predict`` does before it transforms; the library's
        raw score of one is the sum.

    Raises
    ------
    CorruptError
        When the text is something else, or is cut short.
    """
    sections = list(_sections(text))
    if not sections or "tree_sizes" not in sections[0] or "end of trees" not in text:
        raise CorruptError("not a LightGBM text model, or one cut short")
    head = sections[0]
    if head.get("num_tree_per_iteration", "1") != "1":
        raise CorruptError(f"a model of {head['num_tree_per_iteration']} outputs, expected one")
    try:
        trees = [_tree(section) for section in sections[1:]]
        n_features = int(head["max_feature_idx"]) + 1
    except (KeyError, ValueError, IndexError) as error:
        raise CorruptError(f"a damaged LightGBM text model: {error!r}") from error
    if len(trees) != len(head["tree_sizes"].split()):
        raise CorruptError(f"a LightGBM model of {len(head['tree_sizes'].split())} trees holds {len(trees)}")
    return build_trees(trees, n_features, base=base, average="average_output" in head)


def parse_covers(text: str) -> list[float]:
    """Read how many train rows reached each leaf, in the order of the flattened trees.

    Raises
    ------
    CorruptError
        The text does not tell.
    """
    leaves: list[float] = []
    for fields in list(_sections(text))[1:]:
        try:
            if fields["num_leaves"] == "1":
                leaves.append(float(fields.get("leaf_count", "1").split()[0]) or 1.0)
            else:
                leaves += map(float, fields["leaf_count"].split())
        except (KeyError, ValueError, IndexError) as error:
            raise CorruptError(f"a LightGBM text model without counts: {error!r}") from error
    return leaves


def _sections(text: str) -> Iterator[dict[str, str]]:
    """Yield the head's fields, then each tree's."""
    fields: dict[str, str] = {}
    for line in text.split("end of trees", 1)[0].splitlines():
        key, _, value = line.partition("=")
        if key == "Tree":
            yield fields
            fields = {}
        elif key:
            fields[key] = value
    yield fields


def _tree(fields: dict[str, str]) -> Tree:
    if fields.get("is_linear", "0") != "0":
        raise CorruptError("a LightGBM model with linear leaves can't be flattened")
    values = [float(value) for value in fields["leaf_value"].split()]
    if fields["num_leaves"] == "1":
        return Tree([], [], [], [], [], values)
    kinds = [int(kind) for kind in fields["decision_type"].split()]
    thresholds = [float(threshold) for threshold in fields["threshold"].split()]
    flags = [kind & ~DEFAULT_LEFT if kind & CATEGORICAL else kind for kind in kinds]
    categories = {
        node: _codes(fields, int(threshold))
        for node, (kind, threshold) in enumerate(zip(kinds, thresholds, strict=True))
        if kind & CATEGORICAL
    }
    features, left, right = ([int(x) for x in fields[name].split()] for name in _INTEGERS)
    if not len(features) == len(left) == len(right) == len(kinds) == len(values) - 1:
        raise CorruptError("a damaged LightGBM text model: a tree's lists differ in length")
    return Tree(features, thresholds, flags, left, right, values, categories)


_INTEGERS = ("split_feature", "left_child", "right_child")


def _codes(fields: dict[str, str], chosen: int) -> list[int]:
    """Return the category codes of bit set number `chosen`."""
    bounds = fields["cat_boundaries"].split()
    words = fields["cat_threshold"].split()[int(bounds[chosen]) : int(bounds[chosen + 1])]
    return [32 * i + bit for i, word in enumerate(words) for bit in range(32) if int(word) >> bit & 1]
