"""ARFF files with text attributes, which scipy's reader does not take."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

_DECLARATION = re.compile(
    r"""@attribute\s+(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<plain>[^\s'"{][^\s{]*))\s*(?P<kind>.+)$""",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"""\s*(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<plain>[^,'"][^,]*?|))\s*(?P<end>,|$)"""
)
_NUMERIC, _TEXT = ("numeric", "real", "integer"), ("string",)


def read_arff(path: Path, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a dense ARFF file.

    Parameters
    ----------
    path : Path
        The file.
    text : collection of str, default=()
        Attributes to keep as text, whatever the file declares.

    Returns
    -------
    DataFrame
        A column an attribute: numbers as float, with NaN where missing; all else as text, with None. The index holds
        the numbers of the lines in the file, for messages.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not ARFF of this kind: what is wrong, in which line.

    References
    ----------
    I. Witten, E. Frank, M. Hall, C. Pal (2016), "Data mining", 4th edition, section 2.4.
    """
    lines = _content(path)
    kinds = _attributes(path, lines)
    numbers, rows = [], []
    for number, line in lines:
        numbers.append(number)
        rows.append(_row(path, number, line, len(kinds)))
    cells = pd.DataFrame(rows, index=numbers, columns=list(kinds), dtype=object)
    for name, kind in kinds.items():
        if name in text or kind in _TEXT:
            continue
        if kind in _NUMERIC:
            cells[name] = _as_numbers(path, cells[name])
        else:
            _check_nominal(path, cells[name], kind)
    return cells


def _content(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1, without comments and blank ones."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no text in UTF-8 ({error}); is it an ARFF file?") from error
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("%"):
            yield number, stripped


def _attributes(path: Path, lines: Iterator[tuple[int, str]]) -> dict[str, str]:
    """What each attribute is, up to the line that starts the data."""
    kinds: dict[str, str] = {}
    for number, line in lines:
        keyword = line.split(maxsplit=1)[0].lower()
        if keyword == "@data":
            if not kinds:
                raise ValueError(f"{path.name}, line {number}: the data start, and no @attribute stands before them.")
            return kinds
        if keyword == "@attribute":
            name, kind = _declared(path, number, line)
            if name in kinds:
                raise ValueError(f"{path.name}, line {number}: attribute {name!r} is declared twice.")
            kinds[name] = kind
        elif keyword != "@relation":
            raise ValueError(f"{path.name}, line {number}: expected @relation, @attribute or @data, got {line[:60]!r}.")
    raise ValueError(f"{path.name} has no @data line; it may have been cut off, or be no ARFF file.")


def _declared(path: Path, number: int, line: str) -> tuple[str, str]:
    found = _DECLARATION.match(line)
    kind = found["kind"].strip() if found else ""
    if kind.lower() in (*_NUMERIC, *_TEXT):
        kind = kind.lower()
    elif not (kind.startswith("{") and kind.endswith("}")):
        raise ValueError(
            f"{path.name}, line {number}: expected '@attribute name type', where the type is numeric, real, integer, "
            f"string or {{a, list, of, values}}; got {line[:80]!r}."
        )
    return _unquoted(found) or "", kind  # type: ignore[arg-type]


def _row(path: Path, number: int, line: str, width: int) -> list[str | None]:
    if line.startswith("{"):
        raise ValueError(
            f"{path.name}, line {number}: this is sparse ARFF; write every value out, separated by commas."
        )
    values = _split(line)
    if values is None:
        raise ValueError(f"{path.name}, line {number}: a quote is not closed, or text follows it: {line[:80]!r}.")
    if len(values) != width:
        raise ValueError(f"{path.name}, line {number}: expected {width} values, got {len(values)}: {line[:80]!r}.")
    return values


def _split(line: str) -> list[str | None] | None:
    """Values of a line, None for a missing one; None where quotes are wrong."""
    if "'" not in line and '"' not in line:
        return [None if value in ("", "?") else value for value in map(str.strip, line.split(","))]
    values: list[str | None] = []
    at, end = 0, ","
    while end:
        found = _VALUE.match(line, at)
        if found is None:
            return None
        values.append(_unquoted(found))
        at, end = found.end(), found["end"]
    return values


def _unquoted(found: re.Match) -> str | None:
    """What a name or value says; None for one that is missing."""
    if found["plain"] is not None:
        return None if found["plain"] in ("", "?") else found["plain"]
    quoted = found["single"] if found["single"] is not None else found["double"]
    return re.sub(r"\\(.)", r"\1", quoted)


def _as_numbers(path: Path, column: pd.Series) -> np.ndarray:
    try:
        return column.to_numpy(dtype=float, na_value=np.nan)
    except ValueError:
        for number, value in column.items():
            _check_number(path, number, str(column.name), value)
        raise


def _check_number(path: Path, number: object, name: str, value: str | None) -> None:
    try:
        float(value or "nan")
    except ValueError as error:
        raise ValueError(f"{path.name}, line {number}: {name!r} is numeric, got {value!r}.") from error


def _check_nominal(path: Path, column: pd.Series, kind: str) -> None:
    values = _split(kind[1:-1])
    for number, value in column.items():
        if values is not None and value is not None and value not in values:
            raise ValueError(f"{path.name}, line {number}: {column.name!r} must be one of {kind}, got {value!r}.")
