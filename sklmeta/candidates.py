"""Members with parameters, and what known configurations mean for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sklmeta.configuration import Configuration
from sklmeta.members import Member
from sklmeta.recommenders import Recommendation
from sklmeta.space import key_of


@dataclass(frozen=True)
class Candidate:
    """A member with parameters, ready to be evaluated.

    Parameters
    ----------
    member : Member
        What is fitted.
    params : mapping of str to object
        Under the member's own parameter names.
    recommendation : Recommendation or None, default=None
        What was expected of it; None where the knowledge has nothing to say.
    follows : Configuration or None, default=None
        The known configuration that it stands for, or is a neighbour of.
    """

    member: Member
    params: Mapping[str, Any] = field(hash=False)
    recommendation: Recommendation | None = None
    follows: Configuration | None = field(default=None, compare=False)

    @property
    def configuration(self) -> Configuration:
        """The nearest that the knowledge knows by name; where it knows none, the base estimator's name alone."""
        if self.follows is not None:
            return self.follows
        return Configuration(self.member.name if self.member.entry is None else self.member.entry.name)

    @cached_property
    def key(self) -> tuple[str, str]:
        """The same for the same configuration."""
        return self.member.name, key_of(self.params)

    @property
    def qualified_params(self) -> dict[str, Any]:
        """Parameters as ``MetaEstimator.set_params`` takes them."""
        return {f"{self.member.name}__{name}": value for name, value in self.params.items()}


def known_configurations(
    members: Sequence[Member], configurations: Sequence[Configuration]
) -> dict[Configuration, list[Candidate]]:
    """Candidates that each known configuration stands for, each candidate once."""
    found: dict[Configuration, list[Candidate]] = {}
    seen: set[tuple[str, str]] = set()
    for configuration in configurations:
        for member in members:
            params = member.adapted(configuration)
            if params is None:
                continue
            candidate = Candidate(member, params, follows=configuration)
            if candidate.key not in seen:
                seen.add(candidate.key)
                found.setdefault(configuration, []).append(candidate)
    return found
