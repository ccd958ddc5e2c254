"""What sklmeta takes from inside joblib: its serialiser, its way of starting processes, and the name of its default."""

from joblib._parallel_backends import LokyBackend
from joblib.externals.loky.backend import get_context

try:
    import cloudpickle
except ImportError:  # joblib < 1.6 carries its own copy
    from joblib.externals import cloudpickle

__all__ = ["LokyBackend", "cloudpickle", "get_context"]
