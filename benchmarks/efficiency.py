"""How well a search uses two workers, and what is no inner fit.

    python benchmarks/efficiency.py [--n-iter 40] [--repeats 3]

The same count budget on scikit-learn's bundled tables with one worker and with two, in turn. Efficiency is the time of
one worker over twice that of two. Less than all of it has two causes that are told apart: fits that take longer beside
another one, which is the machine's, and workers that have nothing to do. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from _report import markdown_table
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from sklmeta import MetaClassifier, MetaRegressor
from sklmeta.evaluation import FoldResult
from sklmeta.refits import Refits
from sklmeta.search import Search

TABLES = {
    "digits": (MetaClassifier, load_digits),
    "breast cancer": (MetaClassifier, load_breast_cancer),
    "diabetes": (MetaRegressor, load_diabetes),
}


@contextmanager
def watched_units() -> Iterator[list[float]]:
    """Seconds inside of the inner fits of searches: folds by their own clock, final fits by theirs."""
    seconds: list[float] = []
    folds, finals = Search.take, Refits.take

    def take_fold(self, unit, outcome):
        if isinstance(outcome, FoldResult):
            seconds.append(np.nansum([outcome.fit_seconds, outcome.score_seconds]))
        folds(self, unit, outcome)

    def take_final(self, unit, outcome):
        if not isinstance(outcome, Exception):
            seconds.append(outcome[1])
        finals(self, unit, outcome)

    Search.take, Refits.take = take_fold, take_final
    try:
        yield seconds
    finally:
        Search.take, Refits.take = folds, finals


def timed(table: str, n_jobs: int, n_iter: int) -> tuple[float, float]:
    """Wall seconds of a search, and the seconds of its inner fits."""
    face, load = TABLES[table]
    X, y = load(return_X_y=True)
    with warnings.catch_warnings(), watched_units() as seconds:
        warnings.simplefilter("ignore")
        started = time.perf_counter()
        face(n_iter=n_iter, n_jobs=n_jobs, random_state=0).fit(X, y)
        return time.perf_counter() - started, float(sum(seconds))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-iter", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    rows = []
    for table in TABLES:
        timed(table, 1, 1)  # imports, and what is learned from the knowledge
        measured = np.array([[timed(table, n_jobs, args.n_iter) for n_jobs in (1, 2)] for _ in range(args.repeats)])
        (one, two), (fits_one, fits_two) = measured[:, :, 0].T, measured[:, :, 1].T
        shares = one / (2 * two), fits_two / fits_one, fits_two / (2 * two), 1 - fits_one / one
        spreads = [f"{np.median(share):.1%} ({share.min():.1%} to {share.max():.1%})" for share in shares]
        rows.append([table, f"{np.median(one):.1f}", f"{np.median(two):.1f}", *spreads])
    header = [
        "table",
        "seconds, one worker",
        "two workers",
        "efficiency",
        "the same fits beside each other",
        "of two workers' time, inside of fits",
        "no inner fit, one worker",
    ]
    print(f"n_iter={args.n_iter}, medians and ranges of {args.repeats}\n\n{markdown_table(header, rows)}")


if __name__ == "__main__":
    main()
