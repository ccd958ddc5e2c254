"""Members with parameters, and what known configurations mean for them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import log
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
    """Candidates that each known configuration stands for.

    Each candidate once: where numbers that the user pinned make several configurations equal, it stands for the one
    whose own numbers are nearest, for what is known of that one is nearest to what it will score.
    """
    of_estimator: dict[Hashable, list[Member]] = {}
    for member in members:
        if member.entry is not None:
            of_estimator.setdefault(member.entry.name, []).append(member)
    nearest: dict[tuple[str, str], Candidate] = {}
    for configuration in configurations:
        for member in of_estimator.get(configuration.estimator, ()):
            params = member.adapted(configuration)
            if params is None:
                continue
            candidate = Candidate(member, params, follows=configuration)
            key = candidate.key
            other = nearest.get(key)
            if other is None or _moved(member, configuration) < _moved(member, other.configuration):
                nearest[key] = candidate
    place = {configuration: j for j, configuration in enumerate(configurations)}
    found: dict[Configuration, list[Candidate]] = {}
    for candidate in sorted(nearest.values(), key=lambda candidate: place[candidate.configuration]):
        found.setdefault(candidate.configuration, []).append(candidate)
    return found


def _moved(member: Member, known: Configuration) -> float:
    """How far the user's numbers are from a configuration's own: in logarithms, where both are positive."""
    pinned = member.as_set(known).params
    changed = [(value, pinned[name]) for name, value in known.params.items() if value != pinned[name]]
    return sum(abs(log(a) - log(b)) if a > 0 and b > 0 else abs(a - b) for a, b in changed)
