"""How well a search uses two workers.

    python benchmarks/efficiency.py [--n-iter 40] [--repeats 3]

The same count budget on scikit-learn's bundled tables with one worker and with two, in turn. Efficiency is the time of
one worker over twice that of two. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from _report import markdown_table
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from sklmeta import MetaClassifier, MetaRegressor

TABLES = {
    "digits": (MetaClassifier, load_digits),
    "breast cancer": (MetaClassifier, load_breast_cancer),
    "diabetes": (MetaRegressor, load_diabetes),
}


def timed(table: str, n_jobs: int, n_iter: int) -> float:
    """Wall seconds of a search."""
    face, load = TABLES[table]
    X, y = load(return_X_y=True)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        face(n_iter=n_iter, n_jobs=n_jobs, random_state=0).fit(X, y)
    return time.perf_counter() - started


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-iter", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    rows = []
    for table in TABLES:
        timed(table, 1, 1)  # imports, and what is learned from the knowledge
        walls = np.array([[timed(table, n_jobs, args.n_iter) for n_jobs in (1, 2)] for _ in range(args.repeats)])
        found, (one, two) = walls[:, 0] / (2 * walls[:, 1]), np.median(walls, axis=0)
        spread = f"{np.median(found):.1%} ({found.min():.1%} to {found.max():.1%})"
        rows.append([table, f"{one:.1f}", f"{two:.1f}", spread])
    header = ["table", "seconds, one worker", "two workers", "efficiency"]
    print(f"n_iter={args.n_iter}, medians and ranges of {args.repeats}\n\n{markdown_table(header, rows)}")


if __name__ == "__main__":
    main()
