"""Seconds of `recommend_config` once everything is imported and the knowledge is loaded.

    python benchmarks/recommend_speed.py

Two tables: 1,000 x 20 and 100,000 x 50, numbers only and with a fifth of the columns as text levels. Minimum and median
of several calls, in CPU seconds of the process as well, since other work on the machine lengthens wall-clock time.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from _report import markdown_table

from sklmeta import recommend_config


def table(n_rows: int, n_columns: int, text: bool) -> tuple[pd.DataFrame, np.ndarray]:
    """A table whose target depends on three of its columns."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(n_rows, n_columns))
    y = (values[:, 0] + values[:, 1] * values[:, 2] > 0).astype(int)
    frame = pd.DataFrame(values, columns=[f"column {j}" for j in range(n_columns)])
    for j in range(n_columns // 5 if text else 0):
        levels = np.array([f"level {k}" for k in range(8)])
        frame[f"column {j}"] = levels[np.digitize(values[:, j], np.linspace(-1.5, 1.5, 7))]
    return frame, y


def measured(X: pd.DataFrame, y: np.ndarray, repeats: int) -> tuple[list[float], list[float]]:
    """Wall-clock and CPU seconds of each call."""
    wall, cpu = [], []
    for _ in range(repeats):
        started, spent = time.perf_counter(), time.process_time()
        recommend_config(X, y)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - spent)
    return wall, cpu


def main() -> None:
    """Print the table."""
    rows = []
    for n_rows, n_columns, repeats in ((1_000, 20, 20), (100_000, 50, 5)):
        for text in (False, True):
            X, y = table(n_rows, n_columns, text)
            measured(X, y, 1)
            wall, cpu = measured(X, y, repeats)
            shape = f"{n_rows:,} x {n_columns}{', a fifth text' if text else ''}"
            rows.append([shape, *(f"{1000 * f(s):.0f}" for s in (wall, cpu) for f in (np.min, np.median))])
    print(markdown_table(["table", "wall ms, min", "wall ms, median", "CPU ms, min", "CPU ms, median"], rows))


if __name__ == "__main__":
    main()
