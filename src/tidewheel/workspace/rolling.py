"""What an open workspace does with pointers: deploy, roll out, roll back, switch off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tidewheel.workspace.naming import Named, name_of
from tidewheel.workspace.registering import Registering

if TYPE_CHECKING:
    from tidewheel.registry.deployments import Deployment
    from tidewheel.runtime.kill_switch import Killed
    from tidewheel.workspace.killing import Thrown


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
        from tidewheel.workspace.killing import kill

        return kill(self.stores, name_of(name) + EXPERIMENT * experiment, why)

    def unkill(self, name: Named, *, experiment: bool = False, why: str = "") -> Thrown:
        """Switch on again what `kill` switched off.

        Raises
        ------
        NotFoundError
            It is not switched off.
        """
        from tidewheel.runtime.kill_switch import EXPERIMENT
        from tidewheel.workspace.killing import unkill

        thrown = unkill(self.stores, name_of(name) + EXPERIMENT * experiment, why)
        if not thrown.untold:
            self.follow()
        return thrown

    def killed(self) -> list[Killed]:
        """Return what is switched off."""
        from tidewheel.workspace.killing import killed

        return killed(self.stores)

    def deploy(
        self,
        version: str,
        *,
        service: Named | None = None,
        canary: float | None = None,
        force: bool = False,
        cause: str = "",
    ) -> list[Deployment]:
        """Point services at a version, whole or for a share of their units."""
        from tidewheel.workspace.deploying import deploy

        self.publish()
        only = None if service is None else name_of(service)
        moved = deploy(self.stores, self.project.graph, version, only, canary, force=force, cause=cause, sync=self.sync)
        self.follow()
        return moved

    def rollback(self, name: Named, *, cause: str = "") -> list[Deployment]:
        """End a canary, or return to the version before; of one service, or of every service of a model."""
        from tidewheel.workspace.deploying import rollback

        moved = rollback(self.stores, self.project.graph, name_of(name), cause)
        self.follow()
        return moved

    def thresholds(self, service: Named) -> tuple[tuple[str, float], ...]:
        """Return the thresholds that a service decides by now."""
        from tidewheel.workspace.deploying import current_thresholds

        return current_thresholds(self.stores, self.project.graph, name_of(service))

    def set_thresholds(self, service: Named, levels: Mapping[str, float], *, cause: str = "") -> None:
        """Turn a service's thresholds at run time; an empty mapping goes back to the declared ones."""
        from tidewheel.workspace.deploying import turn_thresholds

        turn_thresholds(self.stores, self.project.graph, name_of(service), levels, cause)
        self.follow()
