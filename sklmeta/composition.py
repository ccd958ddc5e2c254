"""Members as parameters, as in scikit-learn's own compositions: ``set_params(svc__C=1)``, and how they are shown."""

from __future__ import annotations

from typing import Any

from sklmeta._sklearn import VisualBlock
from sklmeta.catalogue import catalogue
from sklmeta.members import named_estimators


class MembersAsParameters:
    """The part of MetaEstimator that names its members, for `get_params`, `set_params` and the HTML repr."""

    estimators: Any

    def _task_type(self) -> str:
        raise NotImplementedError

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters, and with `deep` the members and their own parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include ``name`` and ``name__parameter`` of the members.

        Returns
        -------
        dict of str to object
            By name.
        """
        params = super().get_params(deep=deep)  # type: ignore[misc]
        if not deep:
            return params
        params = {key: value for key, value in params.items() if not key.startswith("estimators__")}
        for name, estimator in pairs(self.estimators):
            params[name] = estimator
            if hasattr(estimator, "get_params"):
                params.update({f"{name}__{key}": value for key, value in estimator.get_params(deep=True).items()})
        return params

    def set_params(self, **params: Any) -> Any:
        """Set parameters, members (``svc=SVC()``, ``svc="drop"``) or their parameters (``svc__C=1``).

        Parameters
        ----------
        **params : dict of str to object
            By name.

        Returns
        -------
        estimator
            This object.

        Raises
        ------
        ValueError
            If a name belongs to nothing.
        """
        if "estimators" in params:
            self.estimators = params.pop("estimators")
        own = super().get_params(deep=False)  # type: ignore[misc]
        named = {key.partition("__")[0] for key in params} - set(own)
        if self.estimators is None and named:
            self._spell_out(named)
        for name in named & set(params) & set(dict(pairs(self.estimators))):
            self._replace(name, params.pop(name))
        return super().set_params(**params)  # type: ignore[misc]

    def _spell_out(self, named: set[str]) -> None:
        """Before a member of the default list is changed, make that list the parameter."""
        default = named_estimators(None, self._task_type())
        if named & {name for name, _ in default}:
            self.estimators = default

    def _replace(self, name: str, estimator: Any) -> None:
        if hasattr(self.estimators, "fit"):
            self.estimators = estimator
        else:
            self.estimators = [(n, estimator if n == name else e) for n, e in self.estimators]

    def _sk_visual_block_(self) -> Any:
        shown = pairs(self.estimators)
        if self.estimators is None:
            known = list(catalogue(self._task_type()))
            shown = [(f"any of {len(known)}", ", ".join(known))]
        if hasattr(self, "best_estimator_"):
            shown = [*shown, ("best_estimator_", self.best_estimator_)]
        names, blocks = [name for name, _ in shown], [block for _, block in shown]
        return VisualBlock("parallel", blocks, names=names, name_details=[str(block) for block in blocks])


def pairs(estimators: Any) -> list[tuple[str, Any]]:
    """Names and members, dropped ones included; nothing where the parameter makes no sense."""
    if estimators is None:
        return []
    if hasattr(estimators, "fit"):
        return named_estimators(estimators)
    try:
        return [(name, estimator) for name, estimator in estimators]
    except (TypeError, ValueError):
        return []
