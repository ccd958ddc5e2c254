"""What sklmeta takes from inside joblib: its serialiser and its way of starting processes."""

from joblib.externals.loky.backend import get_context

try:
    import cloudpickle
except ImportError:  # joblib < 1.6 carries its own copy
    from joblib.externals import cloudpickle

__all__ = ["cloudpickle", "get_context"]
