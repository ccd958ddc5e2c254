"""How well a search uses two workers, and how much of its time is no inner fit.

    python benchmarks/efficiency.py [--n-iter 40] [--repeats 3]

The same count budget on scikit-learn's bundled tables with one worker and with two, in turn. Efficiency is the time of
one worker over twice that of two. What is no inner fit: the share of one worker's wall time that neither fitting nor
scoring a fold took, nor the fits on all rows: meta-features, the recommender, the choice of the average ...
Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
from _report import markdown_table
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from sklmeta import MetaClassifier, MetaRegressor
from sklmeta.search import Refits, Search

TABLES = {
    "digits": (MetaClassifier, load_digits),
    "breast cancer": (MetaClassifier, load_breast_cancer),
    "diabetes": (MetaRegressor, load_diabetes),
}


class Stopwatch:
    """Adds up what folds and fits on all rows take, by listening to what searches are told."""

    def __init__(self) -> None:
        self.seconds = 0.0
        searched, refitted = Search.take, Refits.take

        def take_fold(search: Search, unit: object, outcome: object) -> None:
            searched(search, unit, outcome)
            k, fold = unit.label
            result = search.results[k][fold]
            self.seconds += np.nansum([result.fit_seconds, result.score_seconds])

        def take_refit(refits: Refits, unit: object, outcome: object) -> None:
            refitted(refits, unit, outcome)
            self.seconds += np.nan_to_num(refits.seconds[unit.label])

        Search.take, Refits.take = take_fold, take_refit


def timed(table: str, n_jobs: int, n_iter: int, stopwatch: Stopwatch) -> tuple[float, float]:
    """Wall seconds of a search, and seconds of its inner fits."""
    face, load = TABLES[table]
    X, y = load(return_X_y=True)
    stopwatch.seconds, started = 0.0, time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        face(n_iter=n_iter, n_jobs=n_jobs, random_state=0).fit(X, y)
    return time.perf_counter() - started, stopwatch.seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-iter", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    stopwatch, rows = Stopwatch(), []
    for table in TABLES:
        timed(table, 1, 1, stopwatch)  # imports, and what is learned from the knowledge
        pairs = [[timed(table, n_jobs, args.n_iter, stopwatch) for n_jobs in (1, 2)] for _ in range(args.repeats)]
        walls, fits = np.array(pairs).transpose(2, 0, 1)
        efficiency, other = walls[:, 0] / (2 * walls[:, 1]), 1 - fits[:, 0] / walls[:, 0]
        one, two = np.median(walls, axis=0)
        spread = [f"{np.median(v):.1%} ({v.min():.1%} to {v.max():.1%})" for v in (efficiency, other)]
        rows.append([table, f"{one:.1f}", f"{two:.1f}", *spread])
    header = ["table", "seconds, one worker", "two workers", "efficiency", "no inner fit"]
    print(f"n_iter={args.n_iter}, medians and ranges of {args.repeats}\n\n{markdown_table(header, rows)}")


if __name__ == "__main__":
    main()
