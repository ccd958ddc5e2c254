"""sklmeta: which estimator, with which hyperparameters, learned across datasets."""

from sklmeta.configuration import Configuration

__version__ = "0.1.0"

__all__ = ["Configuration", "__version__"]
