"""What an open workspace knows of versions beyond making them: where they stand, what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from tidewheel.workspace.naming import Named, name_of
from tidewheel.workspace.watched import Watched

if TYPE_CHECKING:
    from tidewheel.monitoring.run_story import RunStory
    from tidewheel.registry.models.exports import Export, Quantise
    from tidewheel.registry.pointers.approvals import Approval
    from tidewheel.registry.pointers.environments import Change, Standing
    from tidewheel.registry.references import Check
    from tidewheel.registry.versions.marks import VersionNote
    from tidewheel.registry.versions.search import Known
    from tidewheel.workspace.workspace import Workspace


class Registering(Watched):
    """The part of `Workspace` that is about versions and their environments."""

    def find_versions(self, model: Named = "", where: str = "", limit: int = 1000) -> list[Known]:
        """Return versions, newest first, of which a condition holds, with their tags and environments.

        Parameters
        ----------
        where : str
            As ``"metric.average_precision > 0.6 and tag.team = 'risk'"``; see docs/registry.md.

        Raises
        ------
        InputError
            The condition can't be read.
        """
        from tidewheel.registry.versions.search import find_versions

        return find_versions(self.stores.catalog, name_of(model), where, limit)

    def promote(self, version: str, to: str, *, why: str = "", who: str = "", force: bool = False) -> Standing:
        """Make a version stand in an environment, such as ``staging``. Moves no traffic: `deploy` does.

        Raises
        ------
        ConflictError
            The version did not pass its gates, and `force` is not given.
        """
        from tidewheel.registry.pointers.environments import promote
        from tidewheel.registry.versions.versions import get_version

        catalog = self.stores.catalog
        return promote(catalog, get_version(catalog, version), to, why=why, who=who, force=force)

    def clear_environment(self, model: Named, environment: str, *, why: str = "", who: str = "") -> None:
        """Leave an environment of a model empty."""
        from tidewheel.registry.pointers.environments import clear

        clear(self.stores.catalog, name_of(model), environment, why=why, who=who)

    def environments(self, model: Named = "") -> list[Standing]:
        """Return which version stands in which environment."""
        from tidewheel.registry.pointers.environments import list_environments

        return list_environments(self.stores.catalog, name_of(model))

    def environment_changes(self, model: Named = "", environment: str = "") -> list[Change]:
        """Return what was moved between environments, newest first: who, why, when, from what."""
        from tidewheel.registry.pointers.environments import environment_changes

        return environment_changes(self.stores.catalog, name_of(model), environment)

    def tag(
        self, version: str, tags: Mapping[str, str] | None = None, *, remove: tuple[str, ...] = ()
    ) -> dict[str, str]:
        """Set tags of a version and take some away; return all that it has."""
        from tidewheel.registry.versions.marks import tag
        from tidewheel.registry.versions.versions import get_version

        catalog = self.stores.catalog
        return tag(catalog, get_version(catalog, version), tags or {}, remove=remove)

    def note(self, version: str, text: str) -> VersionNote:
        """Write a note about a version."""
        from tidewheel.registry.versions.marks import note
        from tidewheel.registry.versions.versions import get_version

        return note(self.stores.catalog, get_version(self.stores.catalog, version), text)

    def notes(self, version: str) -> list[VersionNote]:
        """Return what was written about a version, oldest first."""
        from tidewheel.registry.versions.marks import notes_of
        from tidewheel.registry.versions.versions import get_version

        return notes_of(self.stores.catalog, get_version(self.stores.catalog, version))

    def delete_version(self, version: str, *, why: str = "") -> str:
        """Give a version up; return its name. Its record stays, its files go with the next garbage collection.

        Raises
        ------
        ConflictError
            A service or an environment points at it, or it is pinned.
        """
        from tidewheel.registry.versions.marks import delete
        from tidewheel.registry.versions.versions import get_version

        found = get_version(self.stores.catalog, version)
        delete(self.stores.catalog, found, why=why)
        return found.name

    def verify(self, version: str) -> tuple[str, list[Check]]:
        """Read every file that a version needs and check it by its hash; return the version's name and how each is."""
        from tidewheel.registry.references import check_version
        from tidewheel.registry.runs.runs import get_run
        from tidewheel.registry.versions.versions import get_version

        found = get_version(self.stores.catalog, version)
        return found.name, check_version(self.stores.artifacts, found, get_run(self.stores.catalog, found.run))

    def run_story(self, name: str) -> RunStory:
        """Return all that is on record about a run, by its id or the name of its version."""
        from tidewheel.monitoring.run_story import run_story
        from tidewheel.registry.runs.runs import get_run
        from tidewheel.registry.versions.versions import get_version

        catalog = self.stores.catalog
        run = get_run(catalog, get_version(catalog, name, deleted=True).run if "@" in name else name)
        return run_story(catalog, self.stores.artifacts, run)

    def run_page(self, name: str) -> str:
        """Return a run's page: one HTML text with all plots in it."""
        from tidewheel.monitoring.run_page import render_run

        return render_run(self.run_story(name))

    def comparison_page(self, first: str, second: str) -> str:
        """Return the page of two runs or versions side by side."""
        from tidewheel.monitoring.comparison_page import render_comparison
        from tidewheel.training.compare import compare_runs

        one, two = self.run_story(first), self.run_story(second)
        return render_comparison(one, two, compare_runs(self.stores.catalog, one.run, two.run))

    def model_card(self, version: str, form: Literal["md", "html"] = "md") -> str:
        """Return a version's card, in Markdown or as an HTML page."""
        from tidewheel.monitoring.card import card_html, card_markdown

        name = version if "@" in version else f"{version}@latest"
        return (card_html if form == "html" else card_markdown)(self.run_story(name))

    def export(
        self, version: str, to: str | Path, *, form: Literal["onnx"] = "onnx", quantise: Quantise = ""
    ) -> Export:
        """Write a version to a file that other runtimes read; what that costs is measured and recorded.

        Parameters
        ----------
        version : str
        to : str or Path
        form : {"onnx"}
        quantise : {"", "int8"}
            Keep the weights of a network's matrix products in eight bits.

        Raises
        ------
        InputError
            The version can't be said in that form.
        """
        from tidewheel.storage.places.disks import write_durably
        from tidewheel.training.export.export import export_version

        found, content = export_version(self.stores.catalog, self.stores.artifacts, version, quantise)
        write_durably(Path(to), content)
        return found

    def load_model(self, version: str, *, allow_pickle: bool = False) -> Any:
        """Return a version's model as its library reads it: a booster, tensors by name, an estimator.

        Raises
        ------
        InputError
            It is kept as a pickle, and `allow_pickle` is not given: loading one runs the code that it names.
        NotFoundError
            Its run kept none.
        CorruptError
            It is damaged.
        """
        from tidewheel.training.export.model import kept_model

        return kept_model(self.stores.catalog, self.stores.artifacts, version, allow_pickle=allow_pickle)

    def exports(self, version: str) -> list[Export]:
        """Return the exports of a version, newest first, with what each cost."""
        from tidewheel.registry.models.exports import exports_of
        from tidewheel.registry.versions.versions import get_version

        return exports_of(self.stores.catalog, get_version(self.stores.catalog, version))

    def approvals(self, version: str = "") -> list[Approval]:
        """Return what people are asked about versions, newest first."""
        from tidewheel.registry.pointers.approvals import list_approvals
        from tidewheel.registry.versions.versions import get_version

        return list_approvals(self.stores.catalog, get_version(self.stores.catalog, version).name if version else "")

    def approve(self, version: str, *, who: str = "", reject: bool = False, note: str = "") -> list[Approval]:
        """Answer the open questions about a version that `who` was asked (by default the system's user).

        When that was the last of them, what its model declares of a deployment is carried out.
        """
        from tidewheel.registry.pointers.approvals import answer
        from tidewheel.registry.versions.names import current_user
        from tidewheel.registry.versions.versions import get_version
        from tidewheel.workspace.rollouts.following import carry_on

        name = get_version(self.stores.catalog, version).name
        given: Literal["approved", "rejected"] = "rejected" if reject else "approved"
        answered = answer(self.stores.catalog, name, who or current_user(), given, note=note)
        carry_on(cast("Workspace", self), name.partition("@")[0])
        return answered
