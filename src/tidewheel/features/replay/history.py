"""What a set of group plans needs of history, read once per source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from tidewheel.definitions import ir
from tidewheel.features.folding.corrections import feed_revisions
from tidewheel.features.planning.group import AT, Feed, GroupPlan
from tidewheel.features.rows import Fed, Rows, feed_rows, resolve, rows_of
from tidewheel.features.words import Texts

if TYPE_CHECKING:
    from tidewheel.collect import History


class Needs:
    """Which columns of which sources some feeds read; of which the ids are referred to, and of which known."""

    def __init__(self, feeds: Iterable[Feed]) -> None:
        self.columns: dict[str, dict[str, None]] = {}
        self.ids: set[str] = set()
        self.identified: set[str] = set()
        for feed in feeds:
            self.columns.setdefault(feed.source, {}).update(dict.fromkeys(feed.columns))
            if feed.via is not None:
                columns = [name for name in feed.via.columns if name != AT]
                self.columns.setdefault(feed.via.target, {}).update(dict.fromkeys(columns))
                self.ids.add(feed.via.target)
            self.identified.update(feed.corrected)
        self.identified |= self.ids


class Past:
    """History as group plans see it: each source scanned once, each reference followed once.

    Parameters
    ----------
    history : History
        One consistent view of all events.
    plans : iterable of GroupPlan
        The groups that will be asked for.
    below : int, optional
        Leave out events at this offset and after.
    """

    def __init__(
        self,
        history: History,
        graph: ir.Graph,
        plans: Iterable[GroupPlan],
        *,
        below: int | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> None:
        plans = tuple(plans)
        sources = {source.name: source for source in graph.sources}
        needs = Needs(feed for plan in plans for feed in plan.feeds)
        self._rows: dict[str, Rows] = {}
        self._spoken = {(feed.source, path, feed.via) for plan in plans for feed in plan.feeds for path in feed.spoken}
        for done, (source, columns) in enumerate(needs.columns.items()):
            if progress:
                progress(f"scan {source}", done / len(needs.columns))
            table = history.scan(source, list(columns), below=below)
            self._rows[source] = rows_of(table, sources[source], list(columns), ids=source in needs.identified)
        plain = [feed for plan in plans for feed in plan.feeds if not feed.corrected]
        followed = {(feed.source, feed.via.ref, feed.via.target) for feed in plain if feed.via is not None}
        self._pairs = {
            (source, ref): resolve(self._rows[source], ref, self._rows[target]) for source, ref, target in followed
        }

    def feed(self, feed: Feed) -> Fed:
        """Return a feed's events in fold order."""
        rows = self._rows[feed.source]
        if feed.corrected:
            return feed_revisions(feed, rows, None if feed.via is None else self._rows[feed.via.target])
        if feed.via is None:
            return feed_rows(feed, rows)
        return feed_rows(feed, *self._pairs[feed.source, feed.via.ref])

    def learn(self, texts: Texts) -> None:
        """Make the strings that features may answer with known to `texts`."""
        for source, path, via in self._spoken:
            owner = source if len(path) == 1 or via is None else via.target
            texts.add(self._rows[owner].columns[path[-1]])

    @property
    def rows(self) -> Mapping[str, Rows]:
        """The events read, by source."""
        return self._rows
