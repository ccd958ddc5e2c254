"""Tables with a target: what knowledge is collected from."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.utils.multiclass import type_of_target

from sklmeta._sklearn import safe_indexing
from sklmeta.metafeatures import infer_task


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table, its target, and where it comes from.

    Parameters
    ----------
    name : str
        Identifies the task in the knowledge.
    X : DataFrame, array-like or sparse matrix of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,)
        Target.
    task_type : {"classification", "regression"}, default=None
        None: by `infer_task_type`.
    family : str, default=None
        Variants of the same underlying data share a family; None is the name.
    provenance : mapping, default={}
        Whatever says where the data come from.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklmeta import Dataset
    >>> Dataset("iris", *load_iris(return_X_y=True), family="flowers").name
    'iris'
    """

    name: str
    X: Any
    y: Any
    task_type: str | None = None
    family: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)


_ROWS_A_CLASS = 10  # in the mean, from where whole numbers may well be classes


def _few_whole_numbers(y: Any) -> int:
    """How many there are, if each has many rows; else 0."""
    n = pd.Series(np.asarray(y).ravel()).nunique()
    return n if n * _ROWS_A_CLASS <= len(y) else 0


def infer_task_type(y: Any) -> str:
    """Whether a target asks for classification or regression.

    Text, booleans and categories are classes. So are whole numbers with at most 20 different values; whole numbers
    with more, and numbers with a fractional part, are quantities.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Target.

    Returns
    -------
    {"classification", "regression"}
        The task type.

    Raises
    ------
    ValueError
        If the target has gaps or several columns, holds dates or durations, or is of no kind that scikit-learn knows.

    Warns
    -----
    UserWarning
        If more than 20 whole numbers, each of many rows, are taken for quantities, and may be classes.

    Examples
    --------
    >>> infer_task_type(["a", "b", "a"]), infer_task_type([0.5, 1.2, 3.0])
    ('classification', 'regression')
    """
    gone = pd.isna(np.asarray(y, dtype=object))
    if gone.any():
        row = int(np.argwhere(gone)[0][0])
        raise ValueError(f"Input y contains NaN (the first in row {row}). Drop the rows without a target.")
    kind = type_of_target(y, input_name="y")
    if kind in ("binary", "multiclass", "continuous"):
        task_type = infer_task(y)
        if task_type == "regression" and kind != "continuous" and (few := _few_whole_numbers(y)):
            warnings.warn(
                f"y holds {few} different whole numbers, {_ROWS_A_CLASS} rows and more of each in the mean, and is "
                'taken for regression. If they are classes, say so: task="classification" (task_type= of a Dataset).',
                UserWarning,
                stacklevel=3,
            )
        return task_type
    if kind == "unknown":
        infer_task(y)  # knows dates, and says so
        held = np.asarray(y, dtype=object).ravel()
        column = pd.Series(held).infer_objects()
        if types.is_float_dtype(column.dtype) and np.ndim(y) == 1:
            return infer_task_type(column)
        raise ValueError(
            f"y holds objects that may be classes or numbers, such as {held[0]!r}. Make them numbers, for instance by "
            "astype(int) or astype(float), or text, by astype(str)."
        )
    raise ValueError(
        f"y is a {kind} target; sklmeta needs one column of classes or numbers. Fit one model per output, for "
        "instance with sklearn.multioutput."
    )


def read_folder(
    folder: str | Path | Iterable[str | Path],
    *,
    target: str = "target",
    task_type: str | None = None,
    names: Iterable[str] | None = None,
) -> Iterator[Dataset]:
    """Read the parquet and CSV files of a folder one by one, in the order of their names.

    Parameters
    ----------
    folder : path, or iterable of path
        Where they lie; several are read one after the other. An ``index.csv`` there with the columns ``name``, and
        where known ``task``, ``family``, ``source``, describes them.
    target : str, default="target"
        Name of the target's column.
    task_type : {"classification", "regression"}, default=None
        Keep the tasks of this type; None keeps all.
    names : iterable of str, default=None
        Keep the files of these names, in this order, without ending; None keeps all.

    Yields
    ------
    Dataset
        Rows without a target are dropped, which the provenance says.

    Raises
    ------
    FileNotFoundError
        If the folder, or a named file in it, does not exist.
    ValueError
        If there is nothing to read, two folders have a table of one name, or a file cannot be read, or has no target
        column or one of neither classes nor numbers.
    """
    files = table_files(folder)
    places = list(dict.fromkeys(file.parent for file in files.values()))
    every = ((place, *row) for place in places for row in _read_index(place))
    described = [(place, name, about) for place, name, about in every]
    index = {name: about for place, name, about in described if name in files and files[name].parent == place}
    if described and not index:
        raise ValueError(
            f"{described[0][0] / 'index.csv'} describes {[name for _, name, _ in described][:3]}, and no file there is "
            f"called so; they are called {list(files)[:3]}, without ending."
        )
    wanted = list(files) if names is None else list(dict.fromkeys(names))
    for name in wanted:
        if name not in files:
            raise FileNotFoundError(f"{' and '.join(map(str, places))} has no {name}.parquet or {name}.csv.")
    for name in wanted:
        if task_type is None or index.get(name, {}).get("task", task_type) == task_type:
            dataset = _read(files[name], target, index.get(name, {}))
            if task_type in (None, dataset.task_type):
                yield dataset


def table_files(folder: str | Path | Iterable[str | Path]) -> dict[str, Path]:
    """The parquet and CSV files of one or more folders, by the name of their table.

    Parameters
    ----------
    folder : path, or iterable of path
        Where they lie.

    Returns
    -------
    dict of str to Path
        Folder by folder, in the order of their names.

    Raises
    ------
    FileNotFoundError
        If a folder does not exist.
    ValueError
        If a folder has no such file, or two have a table of one name.
    """
    files: dict[str, Path] = {}
    for place in map(Path, [folder] if isinstance(folder, str | Path) else folder):
        if not place.is_dir():
            raise FileNotFoundError(f"{place} is not a folder. Give one that holds .parquet or .csv files.")
        found = [p for p in sorted(place.iterdir()) if p.suffix in (".parquet", ".csv") and p.stem != "index"]
        if not found:
            raise ValueError(f"{place} holds no .parquet or .csv file.")
        for file in found:
            if file.stem in files:
                raise ValueError(f"{files[file.stem]} and {file} have one name; a table's name must be its own.")
            files[file.stem] = file
    return files


def _read_index(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    path = folder / "index.csv"
    if not path.exists():
        return
    index = _read_file(path, dtype=str)  # names and families may look like numbers
    if "name" not in index.columns:
        raise ValueError(f"{path} has no column 'name'; its columns are {list(index.columns)[:20]}. Add that column.")
    for _, row in index.iterrows():
        about = dict(row.dropna())
        if about.get("task", "classification") not in ("classification", "regression"):
            raise ValueError(
                f"{path} calls {about.get('name')!r} {about['task']!r}; task must be 'classification' or 'regression', "
                "or empty for what the target looks like."
            )
        yield about.get("name", ""), about


def _read(path: Path, target: str, about: Mapping[str, Any]) -> Dataset:
    frame = _read_file(path)
    if target in frame.columns and path.suffix == ".csv":
        frame[target] = _with_none(path, frame[target])
    if target not in frame.columns:
        raise ValueError(
            f"{path} has no column {target!r}; its columns are {list(frame.columns)[:20]}. Name the target's column."
        )
    known = frame[frame[target].notna()].reset_index(drop=True)
    y = known.pop(target)
    provenance = {
        "source": str(about.get("source", path.name)),
        "target_column": str(about.get("target_column", target)),
        "rows": len(frame),
        "columns": known.shape[1],
        "rows_without_target": len(frame) - len(known),
    }
    try:
        task_type = about.get("task") or infer_task_type(y)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}, column {target!r}: {error}") from error
    return Dataset(path.stem, known, y, str(task_type), str(about.get("family", path.stem)), provenance)


def _with_none(path: Path, target: pd.Series) -> pd.Series:
    """A column of a CSV file in which "None", which pandas takes for missing, is a class among others."""
    if target.notna().all() or pd.api.types.is_numeric_dtype(target):
        return target
    text = _read_file(path, usecols=[target.name], dtype=str, keep_default_na=False)[target.name]
    return target.mask(text == "None", "None")


def _read_file(path: Path, **how_text: Any) -> pd.DataFrame:
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, **how_text)
    except ImportError as error:
        raise ImportError(f'Reading {path} needs pyarrow; install it with: pip install "sklmeta[parquet]"') from error
    except ValueError as error:
        raise ValueError(
            f"{path} cannot be read ({str(error).strip()}). Mend it, or take it out of the folder."
        ) from error


def subsample(X: Any, y: np.ndarray, max_rows: int | None, *, stratify: bool, seed: int) -> tuple[Any, np.ndarray]:
    """At most `max_rows` rows; with `stratify`, classes keep their shares and none is lost.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows.
    y : ndarray of shape (n_samples,)
        Target.
    max_rows : int or None
        None keeps all.
    stratify : bool
        Whether `y` are classes.
    seed : int
        Of the draw.

    Returns
    -------
    X, y : array-like, ndarray
        The rows kept, in their old order.
    """
    if max_rows is None or len(y) <= max_rows:
        return X, y
    rows = np.sort(_draw(y, max_rows, stratify, np.random.RandomState(seed)))
    return safe_indexing(X, rows), y[rows]


def _draw(y: np.ndarray, n: int, stratify: bool, rng: np.random.RandomState) -> np.ndarray:
    if not stratify:
        return rng.permutation(len(y))[:n]
    classes, counts = np.unique(y, return_counts=True)
    if counts.min() >= 2 and 2 * len(classes) <= n <= len(y) - len(classes):
        splitter = StratifiedShuffleSplit(1, train_size=n, random_state=rng)
        rows = next(splitter.split(np.zeros((len(y), 1)), y))[0]
        if len(np.unique(y[rows])) == len(classes):
            return rows
    keep = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:2] for c in classes])
    rest = np.setdiff1d(rng.permutation(len(y)), keep, assume_unique=True)
    return np.concatenate([keep, rest[: max(0, n - len(keep))]])
