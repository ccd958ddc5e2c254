"""Zips of JSON and arrays: written whole or not at all, read without executing anything."""

from __future__ import annotations

import io
import json
import os
import struct
import uuid
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

# what zipfile, zlib, json, NumPy and constructors raise on bytes that are not what was written
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
)


def write_archive(
    path: str | os.PathLike,
    name: str,
    described: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    default: Callable[[Any], Any],
) -> None:
    """Write a zip, under its name only when it is complete.

    Parameters
    ----------
    path : path
        Where to; what was there before stays if writing fails.
    name : str
        Of the member that holds `described` as JSON.
    described : mapping
        What there is besides arrays.
    arrays : mapping of str to ndarray
        Each a member ``<name>.npy``.
    default : callable
        What JSON makes of values that it does not know.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    IsADirectoryError
        If `path` is a folder.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent} to write {path.name} to; make it first.")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; name a file, such as {path / 'knowledge.zip'}.")
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}.unfinished")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, json.dumps(described, default=default))
            for label, array in arrays.items():
                buffer = io.BytesIO()
                np.save(buffer, array, allow_pickle=False)
                archive.writestr(f"{label}.npy", buffer.getvalue())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_archive(
    path: str | os.PathLike, name: str, check: Callable[[Any], None]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `write_archive` wrote: `described`, once `check` has nothing against it, and the arrays."""
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read(name))
        check(described)
        names = [member for member in archive.namelist() if member.endswith(".npy")]
        return described, {n[:-4]: np.load(io.BytesIO(archive.read(n)), allow_pickle=False) for n in names}
