"""What everything on the cluster is called; `prefix` keeps two installations on one cluster apart."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.store.columns import INDEX_VERSION, index_name


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one installation; `version` is that of the mappings."""

    prefix: str
    version: str = INDEX_VERSION

    @property
    def alias(self) -> str:
        """What is read: the indices of the version in service."""
        return f"{self.prefix}flags"

    @property
    def indices(self) -> str:
        """A pattern for the indices of this version, with the stubs that the alias does not show."""
        return f"{self.prefix}flags-{self.version}-*"

    @property
    def all_versions(self) -> str:
        """A pattern for the indices of every version: what is erased must be in none."""
        return f"{self.prefix}flags-v*"

    @property
    def template(self) -> str:
        """The index template of this version."""
        return f"{self.prefix}flags-{self.version}"

    @property
    def settings(self) -> str:
        """The component template of the settings."""
        return f"{self.prefix}flags-settings-{self.version}"

    @property
    def mappings(self) -> str:
        """The component template of the mappings."""
        return f"{self.prefix}flags-mappings-{self.version}"

    @property
    def erased(self) -> str:
        """The index of what was erased; its mapping's `_meta` says which version is in service."""
        return f"{self.prefix}flags-erased"

    def index(self, office: str, month: str) -> str:
        """The index of an office's flags that landed first in that month."""
        return self.prefix + index_name(office, month, self.version)

    def plain(self, index: str) -> str:
        """An index's name without the prefix."""
        return index.removeprefix(self.prefix)
