"""Every check that scikit-learn has for estimators, with no expected failure."""

from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklmeta import MetaClassifier, MetaEstimator, MetaRegressor

QUICK = {"n_iter": 2, "cv": 2}
ESTIMATORS = [
    MetaClassifier(**QUICK),
    MetaRegressor(**QUICK),
    MetaEstimator(SVC(), **QUICK),
    MetaEstimator(RandomForestClassifier(n_estimators=5), **QUICK),
    MetaEstimator(Ridge(), **QUICK),
    MetaEstimator(LogisticRegression(), **QUICK),
    MetaEstimator(HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=4), **QUICK),
    MetaEstimator([("svc", SVC()), ("lr", LogisticRegression())], **QUICK),
    MetaEstimator(make_pipeline(StandardScaler(), SVC()), **QUICK),
]


@parametrize_with_checks(ESTIMATORS)  # the array API check skips itself where SCIPY_ARRAY_API is not set
def test_scikit_learn_check(estimator, check):
    check(estimator)
