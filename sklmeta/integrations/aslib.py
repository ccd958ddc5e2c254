"""ASlib scenarios: other people's algorithm-selection data as knowledge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklmeta.configuration import Configuration
from sklmeta.integrations.arff import read_arff
from sklmeta.integrations.description import read_description
from sklmeta.knowledge import KnowledgeBase

# ASlib's statuses as positions in KnowledgeBase's ("missing", "ok", "timeout", "failed")
_CODES = {"ok": 1, "timeout": 2, "memout": 3, "not_applicable": 3, "crash": 3, "other": 3}
_LABELS = ("instance_id", "algorithm")
_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, eq=False)
class AslibScenario:
    """An ASlib scenario: what was measured, and how to judge a selector on it.

    Parameters
    ----------
    name : str
        The scenario's id.
    knowledge : KnowledgeBase
        Instances are its tasks, algorithms its configurations, performance measures its metrics, under their own names.
        Greater is better there as everywhere: a measure that the scenario minimises, such as a runtime, is stored
        negated.
    splits : tuple of (tuple of str, tuple of str)
        The scenario's own cross-validation: tasks to learn from and tasks to judge on, for each fold of each
        repetition; empty where the scenario has none.
    maximize : mapping of str to bool
        By measure: whether the scenario maximises it; the others are stored negated.
    cutoff_seconds : float
        After how long an algorithm was stopped; NaN where there was no limit.
    feature_costs : DataFrame of shape (n_tasks, n_steps)
        Seconds of each feature step, mean over repetitions; NaN where unknown. Without columns if there are none.
    feature_status : DataFrame of shape (n_tasks, n_steps)
        What became of each step, in ASlib's words; the first that is not "ok" if repetitions differ, and None where
        unknown.
    feature_steps : mapping of str to tuple of str
        The meta-features that each step provides.

    References
    ----------
    B. Bischl, P. Kerschke, L. Kotthoff, M. Lindauer, Y. Malitsky, A. Fréchette, H. Hoos, F. Hutter, K. Leyton-Brown,
    K. Tierney, J. Vanschoren (2016), "ASlib: a benchmark library for algorithm selection".
    """

    name: str
    knowledge: KnowledgeBase
    splits: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    maximize: Mapping[str, bool]
    cutoff_seconds: float
    feature_costs: pd.DataFrame
    feature_status: pd.DataFrame
    feature_steps: Mapping[str, tuple[str, ...]]


def read_aslib(folder: str | Path) -> AslibScenario:
    """Read a scenario in the format of ASlib.

    An instance without runs is a task without evaluations. Repeated runs become their mean and its standard error; an
    algorithm one of whose repetitions failed or ran out of time has that status and no score on the instance, for the
    mean over the others would flatter it. Where the scenario measures runtimes, the first one is the knowledge's
    ``fit_seconds``, too, of stopped runs also. Repeated meta-features become their mean; unknown ones are NaN.

    Parameters
    ----------
    folder : path
        Has description.txt, algorithm_runs.arff and feature_values.arff; may have cv.arff, feature_costs.arff and
        feature_runstatus.arff. Other files are not read.

    Returns
    -------
    AslibScenario
        The knowledge, the splits and what else was said.

    Raises
    ------
    FileNotFoundError
        If one of the first three files is not there.
    ValueError
        If a file is damaged, or contradicts another one: which, where and how.

    Examples
    --------
    >>> from sklmeta.integrations import read_aslib
    >>> from sklmeta.recommenders import Portfolio
    >>> scenario = read_aslib("SAT11-HAND")  # doctest: +SKIP
    >>> train, test = scenario.splits[0]  # doctest: +SKIP
    >>> Portfolio().fit(scenario.knowledge.select(tasks=train), metric="runtime")  # doctest: +SKIP
    """
    path = Path(folder)
    about = read_description(path / "description.txt")
    features_path, costs_path = path / "feature_values.arff", path / "feature_costs.arff"
    measures = _measures(about)
    runs = _instance_table(path / "algorithm_runs.arff", ("instance_id", "repetition", "algorithm"))
    features = _instance_table(features_path)
    tasks = list(dict.fromkeys([*runs["instance_id"], *features["instance_id"]]))
    return AslibScenario(
        name=_text(about.get("scenario_id", path.name)),
        knowledge=_knowledge(about, measures, runs, _means(features_path, features, tasks), tasks),
        splits=_splits(path / "cv.arff", tasks),
        maximize=measures,
        cutoff_seconds=_cutoff(about),
        feature_costs=_means(costs_path, _optional(costs_path), tasks),
        feature_status=_first_trouble(_optional(path / "feature_runstatus.arff"), tasks),
        feature_steps=_steps(about),
    )


# -- the description ---------------------------------------------------------------------------------------------------


def _measures(about: Mapping[str, Any]) -> dict[str, bool]:
    """Whether each performance measure is maximised."""
    names, truths = (_list(about.get(key, "")) for key in ("performance_measures", "maximize"))
    understood = len(names) == len(truths) == len(set(names)) and all(truth.lower() in _TRUTHS for truth in truths)
    if not names or not understood:
        raise ValueError(
            "description.txt must name performance_measures, each once, and say of each in maximize whether that is "
            f"'true' or 'false'; got performance_measures {names} and maximize {truths}."
        )
    return {name: _TRUTHS[truth.lower()] for name, truth in zip(names, truths, strict=True)}


def _runtime(about: Mapping[str, Any], measures: Mapping[str, bool]) -> str | None:
    """The first measure that is a runtime."""
    kinds = _list(about.get("performance_type", ""))
    return next((name for name, kind in zip(measures, kinds, strict=False) if kind == "runtime"), None)


def _cutoff(about: Mapping[str, Any]) -> float:
    text = _text(about.get("algorithm_cutoff_time", "?"))
    try:
        seconds = float(text.replace("?", "nan") or "nan")
    except ValueError as error:
        raise ValueError(f"description.txt: algorithm_cutoff_time must be a number or '?', got {text!r}.") from error
    return seconds if seconds > 0 else np.nan


def _steps(about: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Meta-features by step, in the words of ASlib 2 (``feature_steps``) or of ASlib 1 (``feature_step NAME``)."""
    steps = about.get("feature_steps") or {}
    if not isinstance(steps, Mapping):
        raise ValueError(f"description.txt: expected a mapping of steps to what they provide, got {steps!r}.")
    found = {name: step.get("provides", "") if isinstance(step, Mapping) else step for name, step in steps.items()}
    found |= {key.split(maxsplit=1)[1]: step for key, step in about.items() if key.startswith("feature_step ")}
    return {name: tuple(_list(provided)) for name, provided in found.items()}


def _list(value: Any) -> list[str]:
    """A list as it is; text as the comma-separated list that ASlib 1 writes."""
    if isinstance(value, list):
        return [_text(part) for part in value]
    return [part.strip() for part in _text(value).split(",") if part.strip()]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"description.txt: expected text or a list, got {value!r}.")
    return value


# -- tables of instances ---------------------------------------------------------------------------------------------


def _instance_table(
    path: Path, unique: Sequence[str] = ("instance_id", "repetition"), more: Sequence[str] = ()
) -> pd.DataFrame:
    """A table that has these columns without gaps; the `unique` ones tell its rows apart."""
    table = read_arff(path, text=_LABELS)
    missing = [name for name in (*unique, *more) if name not in table]
    if missing:
        raise ValueError(f"{path.name} has no attribute {missing[0]!r}; it has {', '.join(table)}.")
    for name in (*unique, *more):
        if table[name].isna().any():
            line = table.index[table[name].isna()][0]
            raise ValueError(f"{path.name}, line {line}: {name!r} is missing.")
    again = table.duplicated(list(unique))
    if again.any():
        line = table.index[again][0]
        row = ", ".join(f"{name} {table.loc[line, name]!r}" for name in unique)
        raise ValueError(f"{path.name}, line {line}: there is a line for {row} already.")
    return table


def _optional(path: Path, *more: str) -> pd.DataFrame:
    """A table of a file that need not be there: then it has no rows."""
    if not path.exists():
        return pd.DataFrame(columns=["instance_id", "repetition", *more])
    return _instance_table(path, ("instance_id", "repetition"), more)


def _check_numeric(file: str, table: pd.DataFrame, names: Iterable[str]) -> None:
    for name in names:
        if not pd.api.types.is_numeric_dtype(table[name]):
            raise ValueError(f"{file}: attribute {name!r} must be numeric; it is declared as something else.")


def _means(path: Path, table: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """Mean over repetitions, one row a task."""
    _check_numeric(path.name, table, table.columns.difference(["instance_id", "repetition"]))
    grouped = table.drop(columns="repetition").groupby("instance_id", sort=False)
    return grouped.mean().reindex(tasks).rename_axis(None)


def _first_trouble(table: pd.DataFrame, tasks: Sequence[str]) -> pd.DataFrame:
    """The first repetition's status that is not "ok", or "ok"; one row a task."""
    steps = table.drop(columns="repetition").set_index("instance_id")
    troubled = steps.where(steps != "ok").groupby(level=0, sort=False).first()
    found = troubled.where(troubled.notna(), steps.groupby(level=0, sort=False).first())
    return found.reindex(tasks).rename_axis(None)


# -- runs --------------------------------------------------------------------------------------------------------------


def _knowledge(
    about: Mapping[str, Any],
    measures: Mapping[str, bool],
    runs: pd.DataFrame,
    meta_features: pd.DataFrame,
    tasks: Sequence[str],
) -> KnowledgeBase:
    """What was measured, as tables."""
    _check_runs(runs, measures)
    algorithms = list(dict.fromkeys(runs["algorithm"]))
    repeated = runs.groupby(["instance_id", "algorithm"], sort=False)
    means, errors = repeated[list(measures)].mean(), repeated[list(measures)].sem()
    codes = runs["runstatus"].map(_CODES).groupby([runs["instance_id"], runs["algorithm"]], sort=False).max()
    ok, runtime = codes == _CODES["ok"], _runtime(about, measures)
    reasons = repeated["runstatus"].agg(", ".join)[~ok]

    def table(values: pd.Series) -> np.ndarray:
        return values.unstack().reindex(index=tasks, columns=algorithms).to_numpy(dtype=float)

    return KnowledgeBase(
        tasks,
        [Configuration(name) for name in algorithms],
        {name: table(means[name].where(ok) * (1 if up else -1)) for name, up in measures.items()},
        status=np.nan_to_num(table(codes), nan=0),
        meta_features=meta_features,
        standard_errors={name: table(errors[name].where(ok)) for name in measures},
        fit_seconds=table(means[runtime]) if runtime else None,
        reasons={(task, Configuration(name)): why for (task, name), why in reasons.items()},
        info={"scenario": _text(about.get("scenario_id", "")), "negated": [m for m, up in measures.items() if not up]},
    )


def _check_runs(runs: pd.DataFrame, measures: Mapping[str, bool]) -> None:
    """Raise ValueError if a measure, or what became of a run, is not there or makes no sense."""
    for name in (*measures, "runstatus"):
        if name not in runs:
            raise ValueError(
                f"algorithm_runs.arff has no attribute {name!r}, which description.txt or the format asks for; it has "
                f"{', '.join(runs)}."
            )
    unknown = ~runs["runstatus"].isin(list(_CODES))
    if unknown.any():
        line = runs.index[unknown][0]
        raise ValueError(
            f"algorithm_runs.arff, line {line}: runstatus must be one of {', '.join(_CODES)}; got "
            f"{runs.loc[line, 'runstatus']!r}."
        )
    _check_numeric("algorithm_runs.arff", runs, measures)
    for name in measures:
        if np.isinf(runs[name]).any():
            line = runs.index[np.isinf(runs[name])][0]
            raise ValueError(f"algorithm_runs.arff, line {line}: {name!r} is infinite; write '?' and the runstatus.")


# -- splits ------------------------------------------------------------------------------------------------------------


def _splits(path: Path, tasks: Sequence[str]) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
    """Training and test tasks of every fold of every repetition."""
    table = _optional(path, "fold")
    unknown = ~table["instance_id"].isin(tasks)
    if unknown.any():
        line = table.index[unknown][0]
        raise ValueError(
            f"{path.name}, line {line}: instance {table.loc[line, 'instance_id']!r} has neither runs nor meta-features."
        )
    splits = []
    for _, repetition in table.groupby("repetition"):
        for fold in sorted(repetition["fold"].unique()):
            tested = repetition["fold"] == fold
            splits.append((tuple(repetition["instance_id"][~tested]), tuple(repetition["instance_id"][tested])))
    return tuple(splits)
