"""What importing sklmeta adds to importing scikit-learn.

    python benchmarks/import_time.py

CPU seconds of whole processes, side by side, so that other work on the machine cancels out: medians of 15 rounds.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import numpy as np

PARTS = (
    "sklearn.calibration, sklearn.compose, sklearn.discriminant_analysis, sklearn.ensemble, sklearn.linear_model, "
    "sklearn.metrics, sklearn.model_selection, sklearn.naive_bayes, sklearn.neighbors, sklearn.neural_network, "
    "sklearn.pipeline, sklearn.preprocessing, sklearn.svm, pandas, scipy.stats"
)
STATEMENTS = {
    "nothing": "pass",
    "sklearn": "import sklearn",
    "its parts": f"import {PARTS}",
    "sklmeta": "import sklmeta",
    "MetaClassifier": "from sklmeta import MetaClassifier",
}


def cpu_seconds(statement: str) -> float:
    """Of a Python process that runs one statement."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main() -> None:
    """Print medians."""
    for statement in STATEMENTS.values():
        cpu_seconds(statement)
    rounds = [{name: cpu_seconds(statement) for name, statement in STATEMENTS.items()} for _ in range(15)]
    for name in STATEMENTS:
        print(f"{name:14} {np.median([r[name] for r in rounds]):.3f} s")
    for name, base in (("sklmeta", "nothing"), ("MetaClassifier", "sklearn"), ("MetaClassifier", "its parts")):
        print(f"{name} minus {base}: {np.median([r[name] - r[base] for r in rounds]):.3f} s")


if __name__ == "__main__":
    main()
