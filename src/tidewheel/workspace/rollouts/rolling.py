"""What an open workspace does with pointers: deploy, roll out, roll back, switch off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from tidewheel.definitions.language.durations import Duration
from tidewheel.workspace.models.registering import Registering
from tidewheel.workspace.naming import Named, name_of

if TYPE_CHECKING:
    from tidewheel.registry.pointers.deployments import Deployment
    from tidewheel.runtime.kill_switch import Killed
    from tidewheel.workspace.rollouts.killing import Thrown
    from tidewheel.workspace.rollouts.standing import RolloutStatus
    from tidewheel.workspace.workspace import Workspace


class Rolling(Registering):
    """The part of `Workspace` that is about what answers."""

    def kill(self, name: Named, *, experiment: bool = False, why: str = "") -> Thrown:
        """Switch off a service, a model or a version at once; the fallback chain answers instead.

        Works when the catalog can't be reached.

        Parameters
        ----------
        experiment : bool
            Only the experiment of the service called so: the champion answers everybody.

        Raises
        ------
        NotFoundError
            Nothing that is deployed has this name.
        """
        from tidewheel.runtime.kill_switch import EXPERIMENT
        from tidewheel.workspace.rollouts.killing import kill

        return kill(self.stores, name_of(name) + EXPERIMENT * experiment, why)

    def unkill(self, name: Named, *, experiment: bool = False, why: str = "") -> Thrown:
        """Switch on again what `kill` switched off.

        Raises
        ------
        NotFoundError
            It is not switched off.
        """
        from tidewheel.runtime.kill_switch import EXPERIMENT
        from tidewheel.workspace.rollouts.killing import unkill

        thrown = unkill(self.stores, name_of(name) + EXPERIMENT * experiment, why)
        if not thrown.untold:
            self.follow()
        return thrown

    def killed(self) -> list[Killed]:
        """Return what is switched off."""
        from tidewheel.workspace.rollouts.killing import killed

        return killed(self.stores)

    def deploy(
        self,
        version: str,
        *,
        service: Named | None = None,
        canary: float | str | None = None,
        ramp: Sequence[float | str] = (),
        hold: Duration = "1h",
        shadow: bool | float | str = False,
        ab: float | str | None = None,
        blue_green: bool = False,
        force: bool = False,
        cause: str = "",
    ) -> list[Deployment]:
        """Point services at a version: whole, or beside the champion in one of four ways.

        Parameters
        ----------
        version : str
            ``Fraud@2``; or the name of a service of rules alone.
        service : class or str, optional
            Only this service.
        canary : float or str, optional
            Let it answer this share of the units, such as ``"5%"``; again with another share ramps it.
        ramp : sequence of float or str
            Shares that a canary goes through by itself, as long as it keeps to the service's guards: from the
            first, or from `canary`; after the last it is promoted.
        hold : duration
            How long it stays at each.
        shadow : bool, float or str
            Have it score what the champion answers (or a share of that), and answer nobody.
        ab : float or str, optional
            Let it answer a share of the units until somebody decides: ``"50/50"``, ``"90/10"`` or ``"10%"``.
        blue_green : bool
            Make it ready in every worker first, then move all traffic; when one can't load it, nothing moves.
        force : bool
            Even if it did not pass its gates.
        cause : str
            The reason, for the history.

        Raises
        ------
        InputError
            Two ways at once, or a share out of range.
        ConflictError
            It did not pass its gates, another version is rolled out there, or a worker can't load it.
        """
        from tidewheel.workspace.rollouts.deploying import deploy
        from tidewheel.workspace.rollouts.standing import rollout_of

        how = rollout_of(canary, ramp, hold, shadow, ab, blue_green)
        self.publish()
        only = None if service is None else name_of(service)
        moved = deploy(self.stores, self.project.graph, version, only, how, force=force, cause=cause, sync=self.sync)
        self.follow()
        return moved

    def rollouts(self, service: Named | None = None) -> list[RolloutStatus]:
        """Return what is rolled out, what its guards say now, and who moved what, when and why."""
        from tidewheel.workspace.rollouts.standing import rollouts

        self.sync()
        return rollouts(cast("Workspace", self), None if service is None else name_of(service))

    def rollback(self, name: Named, *, cause: str = "") -> list[Deployment]:
        """End a canary, or return to the version before; of one service, or of every service of a model."""
        from tidewheel.workspace.rollouts.deploying import rollback

        moved = rollback(self.stores, self.project.graph, name_of(name), cause)
        self.follow()
        return moved

    def thresholds(self, service: Named) -> tuple[tuple[str, float], ...]:
        """Return the thresholds that a service decides by now."""
        from tidewheel.workspace.rollouts.deploying import current_thresholds

        return current_thresholds(self.stores, self.project.graph, name_of(service))

    def set_thresholds(self, service: Named, levels: Mapping[str, float], *, cause: str = "") -> None:
        """Turn a service's thresholds at run time; an empty mapping goes back to the declared ones."""
        from tidewheel.workspace.rollouts.deploying import turn_thresholds

        turn_thresholds(self.stores, self.project.graph, name_of(service), levels, cause)
        self.follow()
