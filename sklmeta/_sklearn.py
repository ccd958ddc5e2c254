"""Every private scikit-learn name that sklmeta uses, in one place."""

from sklearn.calibration import _SigmoidCalibration as SigmoidCalibration
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_method_params as check_method_params

try:
    from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
except ImportError:  # scikit-learn < 1.8
    from sklearn.utils._estimator_html_repr import _VisualBlock as VisualBlock

__all__ = [
    "BaseComposition",
    "SigmoidCalibration",
    "VisualBlock",
    "check_method_params",
    "routing_enabled",
    "safe_indexing",
]
