"""Decides the events of one service by the versions that its deployment points at."""

from __future__ import annotations

from collections.abc import Awaitable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tidewheel.definitions.ir import Service
from tidewheel.errors import KilledError, ServingError
from tidewheel.registry.versions.names import model_of
from tidewheel.routing.split import CHALLENGER, Split
from tidewheel.runtime.kill_switch import EXPERIMENT
from tidewheel.serving.deciding.arms import Arm, NoReader, Verdict, judge
from tidewheel.serving.deciding.fallback import Chain, Link
from tidewheel.serving.deciding.scoring import begin
from tidewheel.serving.deciding.stored import StoredItems, StoredScores

if TYPE_CHECKING:
    from tidewheel.runtime.kill_switch import KillSwitch


@dataclass(frozen=True, eq=False)
class Decider:
    """One service with one set of versions. Never changed: a moved pointer brings a new one.

    Attributes
    ----------
    service : Service
        The champion's frozen service: event, deadline, exploration.
    champion : Arm or None
        None when its bundle can't be loaded: then the chain answers.
    challenger : Arm or None
        Answers a share of the units.
    split : Split or None
        Says which units are the challenger's.
    chain : Chain
        What answers when an arm can't.
    revision : int
        Of the deployment that this was built from.
    damage : str
        Why an arm is missing; "" when none is.
    killed : bool
        The service is switched off: the chain's constant answers everything.
    switch : KillSwitch or None
        Looked at before each decision; None for a decider that has been reduced by it.
    """

    service: Service
    champion: Arm | None
    challenger: Arm | None
    split: Split | None
    chain: Chain
    revision: int = 0
    damage: str = ""
    killed: bool = False
    switch: KillSwitch | None = None

    def decide(
        self, event_id: str, columns: Mapping[str, object], now: int, at: int, until: int
    ) -> Verdict | Awaitable[Verdict]:
        """Return what to do with one event, or what to await for it; never raises.

        Parameters
        ----------
        event_id : str
            Also the unit that stays on one arm, where the service names no other.
        columns : mapping
            The event's columns in canonical types.
        now, at : int
            The workspace's instant, and when the event happened.
        until : int
            The deadline, ns of the monotonic clock.
        """
        if self.switch is not None and (off := self.switch.names()):
            return reduced(self, off).decide(event_id, columns, now, at, until)
        verdict = Verdict()
        if self.killed:
            return self.chain.constant(verdict, "killed: the service is switched off")
        arm = self.arm_of(self.unit_of(event_id, columns))
        try:
            if arm is None:
                raise ServingError(self.damage or "no version can be loaded")
            later = judge(arm, columns, now, at, verdict, until)
        except Exception as error:
            return begin(self.chain.answer(columns, now, at, verdict, error, until))
        if later is None:
            return self.explored(arm, event_id, verdict)
        return begin(self._decided(later, arm, event_id, columns, now, at, verdict, until))

    async def _decided(
        self,
        later: Awaitable[None],
        arm: Arm,
        event_id: str,
        columns: Mapping[str, object],
        now: int,
        at: int,
        verdict: Verdict,
        until: int,
    ) -> Verdict:
        try:
            await later
        except Exception as error:
            return await self.chain.answer(columns, now, at, verdict, error, until)
        return self.explored(arm, event_id, verdict)

    def explored(self, arm: Arm, event_id: str, verdict: Verdict) -> Verdict:
        """Let through a share of what would be prevented."""
        if arm.explore is not None and verdict.decision in self.service.prevents and not verdict.rule:
            # Drawn from the event, so that a decision that is made again comes out the same.
            verdict.decision, verdict.explored, verdict.propensity = arm.explore(event_id, verdict.decision)
        return verdict

    def predicted_wait(self) -> int:
        """Return the ns after which a score that is asked for now is expected, of the arm that is free first."""
        arms = [arm for arm in (self.champion, self.challenger) if arm is not None]
        waits = [getattr(arm.scoring, "predicted_wait", None) for arm in arms]
        return min((wait() for wait in waits if wait is not None), default=0)

    def unit_of(self, event_id: str, columns: Mapping[str, object]) -> str:
        """Return what stays on one arm: a column of the event, or the event itself."""
        path = self.service.unit
        unit = columns.get(path[0]) if path else None
        return event_id if unit is None else str(unit)

    def arm_of(self, unit: str) -> Arm | None:
        """Return the arm that a unit is on; the champion stands in for a challenger that can't be loaded."""
        if self.challenger is not None and self.split is not None and self.split(unit).name == CHALLENGER:
            return self.challenger
        return self.champion


def reduced(decider: Decider, off: Collection[str]) -> Decider:
    """Return a decider without what is switched off: services, models, versions, a service's experiment.

    Parameters
    ----------
    decider : Decider
    off : collection of str
        As `KillSwitch.names` gives them.
    """
    name, chain = decider.service.name, decider.chain
    split = None if name + EXPERIMENT in off else decider.split
    links = tuple(
        _link(link, off)
        for link in chain.links
        if not (isinstance(link, Arm | StoredScores | StoredItems) and _is_off(link, off))
    )
    return replace(
        decider,
        champion=_refusing(decider.champion, off),
        challenger=_refusing(decider.challenger, off),
        split=split,
        chain=replace(chain, links=links),
        killed=decider.killed or name in off,
        switch=None,
    )


def _link(link: Link, off: Collection[str]) -> Link:
    return _refusing(link, off) or link if isinstance(link, Arm) else link


def _is_off(arm: Arm | StoredScores | StoredItems, off: Collection[str]) -> bool:
    if isinstance(arm, Arm) and (arm.combined is not None or (arm.lists is not None and not arm.lists.scores.alone)):
        return False
    return arm.model in off or model_of(arm.model) in off


def _refusing(arm: Arm | None, off: Collection[str]) -> Arm | None:
    """Return an arm as it is, or one that answers nothing when its model is switched off.

    Of several models, those that are switched off refuse.
    """
    if arm is not None and arm.combined is not None:
        return replace(arm, combined=arm.combined.without(off))
    if arm is not None and arm.lists is not None and not arm.lists.scores.alone:
        return replace(arm, lists=replace(arm.lists, scores=arm.lists.scores.without(off)))
    if arm is None or not _is_off(arm, off):
        return arm
    return replace(arm, reader=NoReader(KilledError(f"{arm.model} is switched off")), freshness=None, stored=None)
