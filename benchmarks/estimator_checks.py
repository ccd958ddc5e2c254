"""Run every check that scikit-learn has for estimators with the defaults that users get: 25 configurations, 5 folds.

    python benchmarks/estimator_checks.py [--estimators PART] [--only PART_OF_A_CHECKS_NAME] [--n-iter N]

Prints each outcome as it comes, then a markdown table of counts and each check that failed or was skipped, with why.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import sklearn
from _report import markdown_table
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import SkipTestWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import SkipTest, estimator_checks_generator

from sklmeta import MetaClassifier, MetaEstimator, MetaRegressor

ESTIMATORS = {
    "MetaClassifier()": MetaClassifier(),
    "MetaRegressor()": MetaRegressor(),
    "MetaEstimator(SVC())": MetaEstimator(SVC()),
    "MetaEstimator(RandomForestClassifier())": MetaEstimator(RandomForestClassifier()),
    "MetaEstimator(Ridge())": MetaEstimator(Ridge()),
    "MetaEstimator(LogisticRegression())": MetaEstimator(LogisticRegression()),
    "MetaEstimator of two": MetaEstimator([("svc", SVC()), ("lr", LogisticRegression())]),
    "MetaEstimator of a Pipeline": MetaEstimator(make_pipeline(StandardScaler(), SVC())),
}


def outcomes(estimator: Any, only: str) -> Iterator[tuple[str, str, str]]:
    """For each check its name, "passed", "skipped" or "failed", and why."""
    for checked, check in estimator_checks_generator(estimator, legacy=True):
        name = getattr(check, "func", check).__name__
        if only in name:
            found = name, *outcome(checked, check)
            print(*found, flush=True)
            yield found


def outcome(estimator: Any, check: Any) -> tuple[str, str]:
    try:
        check(estimator)
    except SkipTest as reason:
        return "skipped", str(reason)
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"
    return "passed", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="part of a check's name")
    parser.add_argument("--n-iter", type=int, default=None, help="fewer configurations, to try the script")
    parser.add_argument("--estimators", default="", help="part of the estimators' labels, as this script has them")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    warnings.simplefilter("ignore", SkipTestWarning)
    rows, notes = [], []
    for label, estimator in ((k, v) for k, v in ESTIMATORS.items() if arguments.estimators in k):
        started = time.perf_counter()
        found = list(outcomes(clone(estimator).set_params(n_iter=arguments.n_iter), arguments.only))
        counts = Counter(status for _, status, _ in found)
        seconds = time.perf_counter() - started
        rows.append([label, *(counts[s] for s in ("passed", "skipped", "failed")), f"{seconds:.0f}"])
        notes += [f"* {label}, {name}, {status}: {why}" for name, status, why in found if status != "passed"]
        print(rows[-1], flush=True)
    print(f"\nscikit-learn {sklearn.__version__}\n")
    print(markdown_table(["estimator", "passed", "skipped", "failed", "seconds"], rows))
    print("\n" + "\n".join(notes))


if __name__ == "__main__":
    main()
