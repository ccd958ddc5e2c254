"""Every private scikit-learn name that sklmeta uses, and what depends on its version, in one place."""

import sklearn
from sklearn.calibration import _SigmoidCalibration as SigmoidCalibration
from sklearn.model_selection import KFold
from sklearn.preprocessing import TargetEncoder
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils.fixes import parse_version
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
except ImportError:  # scikit-learn < 1.8
    from sklearn.utils._estimator_html_repr import _VisualBlock as VisualBlock

__all__ = [
    "BaseComposition",
    "SigmoidCalibration",
    "VisualBlock",
    "check_method_params",
    "check_sample_weight",
    "cross_fitted_target_encoder",
    "routing_enabled",
    "safe_indexing",
]


def cross_fitted_target_encoder(n_rows: int) -> TargetEncoder:
    """scikit-learn's encoder of categories by a target of numbers, on five shuffled folds, always the same ones."""
    n_folds = min(5, max(2, n_rows))  # no category of a single row has many levels
    if parse_version(sklearn.__version__) < parse_version("1.9"):
        return TargetEncoder(target_type="continuous", cv=n_folds, random_state=0)
    return TargetEncoder(target_type="continuous", cv=KFold(n_folds, shuffle=True, random_state=0))
