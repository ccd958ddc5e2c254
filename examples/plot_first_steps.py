"""
First steps: a recommendation, a search, and what they are worth
================================================================

A recommendation costs a fraction of a second and no fit of a candidate. A search tries the few configurations that
did well on similar data. Both are compared with scikit-learn's default forest and with a random search of the same
length, on rows that none of them has seen. The families of the shown datasets are left out of the knowledge first: a
comparison in which the library has seen the data before would be worthless.
"""

# %%
# Real data, and knowledge that has never met them
# ------------------------------------------------
import time
import warnings

import pandas as pd
from scipy.stats import loguniform, randint
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import RandomizedSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from sklmeta import MetaClassifier, MetaRegressor, load_knowledge

warnings.filterwarnings("ignore", module="sklearn")
X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)


def without(task, *families):
    """The bundled knowledge without some families, whichever of them it has."""
    knowledge = load_knowledge(task)
    return knowledge.exclude(families=[f for f in families if f in knowledge.families])


knowledge = without("classification", "breast_wisconsin")
print(knowledge)

# %%
# What to try, before anything is fitted
# --------------------------------------
meta = MetaClassifier(knowledge=knowledge, n_iter=10, random_state=0, n_jobs=2)
started = time.perf_counter()
for recommendation in meta.recommend_config(X, y, n_configs=3):
    print(recommendation)
print(f"({time.perf_counter() - started:.2f} s)")

# %%
# The same as an estimator: ten configurations, the best of them averaged
# -----------------------------------------------------------------------
started = time.perf_counter()
meta.fit(X, y)
print(f"best alone: {meta.best_params_}")
print(f"with {meta.best_score_:.3f} in cross-validation, after {time.perf_counter() - started:.1f} s")
print("how probable it thought each kind of estimator to be best:")
print(pd.Series(meta.strategy_).round(2).to_string())
print("what was tried, and its weight in the average:")
print(meta.leaderboard().drop(columns="params").round(3).to_string(index=False))


# %%
# What it is worth on rows that nobody has seen
# ---------------------------------------------
def compare(systems, X, y, X_test, y_test):
    """Score and seconds of several estimators."""
    rows = []
    for name, estimator in systems.items():
        started = time.perf_counter()
        score = estimator.fit(X, y).score(X_test, y_test)
        seconds = round(time.perf_counter() - started, 1)
        rows.append({"estimator": name, "test score": round(score, 4), "seconds": seconds})
    print(pd.DataFrame(rows).to_string(index=False))


svm_space = {"svc__C": loguniform(1e-2, 1e3), "svc__gamma": loguniform(1e-4, 1e1)}
compare(
    {
        "default forest": RandomForestClassifier(random_state=0),
        "random search, 10 SVMs": RandomizedSearchCV(
            make_pipeline(StandardScaler(), SVC()), svm_space, n_iter=10, random_state=0, n_jobs=2
        ),
        "MetaClassifier, 1 try": MetaClassifier(knowledge=knowledge, n_iter=1, random_state=0),
        "MetaClassifier, 10 tries": MetaClassifier(knowledge=knowledge, n_iter=10, random_state=0, n_jobs=2),
    },
    X,
    y,
    X_test,
    y_test,
)

# %%
# Regression goes the same way
# ----------------------------
X, y = load_diabetes(return_X_y=True, as_frame=True)
X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
knowledge = without("regression", "diabetes_efron")
forest_space = {"max_features": loguniform(0.1, 1.0), "min_samples_leaf": randint(1, 20)}
compare(
    {
        "default forest": RandomForestRegressor(random_state=0),
        "random search, 10 forests": RandomizedSearchCV(
            RandomForestRegressor(random_state=0), forest_space, n_iter=10, random_state=0, n_jobs=2
        ),
        "default SVM": make_pipeline(StandardScaler(), SVR()),
        "MetaRegressor, 1 try": MetaRegressor(knowledge=knowledge, n_iter=1, random_state=0),
        "MetaRegressor, 10 tries": MetaRegressor(knowledge=knowledge, n_iter=10, random_state=0, n_jobs=2),
    },
    X,
    y,
    X_test,
    y_test,
)
