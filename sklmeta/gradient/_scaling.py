"""From a task's own units to a network's inputs and targets, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.kernel_approximation import RBFSampler

KERNELS = ("linear", "rbf")


@dataclass(frozen=True, eq=False)
class Scaling:
    """Means and standard deviations, and the random Fourier features of a kernel where there is one.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,)
        Subtracted from, then dividing, the features.
    y_mean, y_scale : float
        The same for the target of a regression.
    fourier_weights : ndarray of shape (n_features, n_components) or None
        Random directions of the kernel approximation.
    fourier_offset : ndarray of shape (n_components,) or None
        Its random phases.
    """

    mean: np.ndarray
    scale: np.ndarray
    y_mean: float = 0.0
    y_scale: float = 1.0
    fourier_weights: np.ndarray | None = None
    fourier_offset: np.ndarray | None = None

    @property
    def n_features(self) -> int:
        """Features that come in."""
        return len(self.mean)

    @property
    def n_inputs(self) -> int:
        """Inputs of the network."""
        return self.n_features if self.fourier_offset is None else len(self.fourier_offset)

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Network inputs (..., n_inputs) of features (..., n_features)."""
        Z = (X - self.mean) / self.scale
        if self.fourier_weights is None or self.fourier_offset is None:
            return Z
        return np.sqrt(2 / self.n_inputs) * np.cos(Z @ self.fourier_weights + self.fourier_offset)

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Scaled targets of a regression."""
        return (y - self.y_mean) / self.y_scale

    def predictions(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs of the network in the target's own unit."""
        return outputs * self.y_scale + self.y_mean


def identity_scaling(n_features: int) -> Scaling:
    """Leaves everything as it is."""
    return Scaling(np.zeros(n_features), np.ones(n_features))


def fitted_scaling(
    X: np.ndarray,
    y: np.ndarray | None = None,
    weights: np.ndarray | None = None,
    centre: bool = True,
) -> Scaling:
    """Standardises rows X (n_rows, n_features), and y where given; constant columns keep their unit.

    Without `centre` means are left at zero.
    """
    mean, scale = _moments(X, weights)
    zero = np.zeros_like(mean)
    if y is None:
        return Scaling(mean if centre else zero, scale)
    y_mean, y_scale = _moments(np.asarray(y, dtype=float)[:, None], weights)
    return Scaling(mean if centre else zero, scale, float(y_mean[0]) * centre, float(y_scale[0]))


def with_kernel(scaling: Scaling, gamma: float | str, n_components: int, seed: int, variance: float = 1.0) -> Scaling:
    """The scaling followed by random Fourier features of an RBF kernel, as `RBFSampler` draws them.

    They depend on no row, so weights learned on them give no row away. ``gamma="scale"`` is
    1 / (n_features * variance of the scaled features).
    """
    width = 1 / (scaling.n_features * variance) if gamma == "scale" else float(gamma)
    sampler = RBFSampler(gamma=width, n_components=n_components, random_state=seed)
    sampler.fit(np.zeros((1, scaling.n_features)))
    return Scaling(
        scaling.mean,
        scaling.scale,
        scaling.y_mean,
        scaling.y_scale,
        sampler.random_weights_,
        sampler.random_offset_,
    )


def _moments(X: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    mean = np.average(X, axis=0, weights=weights)
    variance = np.average(np.square(X - mean), axis=0, weights=weights)
    # a constant column's variance is rounding error, not information
    constant = variance <= (10 * np.finfo(float).eps * np.maximum(np.abs(mean), 1e-300)) ** 2 * len(X)
    return mean, np.where(constant, 1.0, np.sqrt(variance))
