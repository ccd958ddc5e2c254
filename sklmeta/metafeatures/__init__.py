"""Meta-features: a fixed-length vector of numbers that describes a task."""

from sklmeta.metafeatures._target import infer_task
from sklmeta.metafeatures.extractor import MetaFeatureExtractor

__all__ = ["MetaFeatureExtractor", "infer_task"]
