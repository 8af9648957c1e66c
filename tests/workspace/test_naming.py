"""What a name that is not found is told."""

from __future__ import annotations

import pytest

from tidewheel.errors import NotFoundError
from tidewheel.workspace.naming import find


def test_a_view_that_nothing_reaches_is_told_how_it_counts() -> None:
    with pytest.raises(NotFoundError, match="are: none; one counts once a model or service reaches it"):
        find([], "PaymentView", "view")
    with pytest.raises(NotFoundError, match=r"there are: none$"):
        find([], "Fraud", "model")
