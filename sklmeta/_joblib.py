"""What sklmeta takes from inside joblib: its serialiser, its way of starting processes, and its backends' names."""

from joblib._parallel_backends import LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend
from joblib.externals.loky.backend import get_context

try:
    import cloudpickle
except ImportError:  # joblib < 1.6 carries its own copy
    from joblib.externals import cloudpickle

# those that work on this machine; a cluster's come from elsewhere
LOCAL_BACKENDS = (LokyBackend, MultiprocessingBackend, SequentialBackend, ThreadingBackend)

__all__ = ["LOCAL_BACKENDS", "LokyBackend", "cloudpickle", "get_context"]
