from sklearn.utils.estimator_checks import parametrize_with_checks

from sklmeta.gradient import (
    MetaLinearClassifier,
    MetaLinearRegressor,
    MetaMLPClassifier,
    MetaMLPRegressor,
    MetaSVC,
    MetaSVR,
)


@parametrize_with_checks(
    [
        MetaLinearRegressor(),
        MetaLinearClassifier(),
        MetaSVC(),
        MetaSVC(kernel="rbf", random_state=0),
        MetaSVR(),
        MetaMLPRegressor(random_state=0),
        MetaMLPClassifier(random_state=0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
