"""The task adapter: from a meta-learned (or blank) start to one task's parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sklmeta.gradient._adaptation import (
    Penalty,
    Rows,
    adam_steps,
    biased_minimum,
    block_penalty,
    gradient_steps,
    precision_blocks,
    uniform_penalty,
)
from sklmeta.gradient._batches import Problem, encoded, loss_name
from sklmeta.gradient._checks import check_choice, check_gamma, check_numbers
from sklmeta.gradient._network import ACTIVATIONS, Network, layer_sizes
from sklmeta.gradient._scaling import KERNELS, Scaling, fitted_scaling, with_kernel
from sklmeta.gradient.algorithms import CONVEX
from sklmeta.gradient.init import MetaInit

N_BLANK_STEPS = 300  # of Adam, for a perceptron without an init
BLANK_RATE = 0.01
MAX_REMEMBERED = 2000  # inputs; a precision matrix of more takes over 32 MB an output


class Options(NamedTuple):
    """An estimator's parameters; None where they are left to the init, or where the model has no such thing."""

    regularization: float | None = None
    n_steps: int | None = None
    inner_rate: float | None = None
    fit_intercept: bool | None = None
    kernel: str | None = None
    gamma: float | str | None = None
    n_components: int | None = None
    epsilon: float | None = None
    hidden_layer_sizes: tuple[int, ...] | None = None
    activation: str | None = None
    random_state: Any = None


NUMBERS = ("regularization", "n_steps", "inner_rate", "epsilon", "n_components")
STRUCTURE = (
    "fit_intercept",
    "kernel",
    "gamma",
    "n_components",
    "epsilon",
    "hidden_layer_sizes",
    "activation",
)


@dataclass(frozen=True, eq=False)
class TaskAdapter:
    """How one task's parameters come about.

    Parameters
    ----------
    network : Network
        With as many outputs as the task needs.
    scaling : Scaling
        From the task's units to the network's.
    start : ndarray of shape (n_parameters,)
        Start or centre.
    tied : bool
        Whether two classes have an output each.
    mode : {"exact", "steps", "adam"}
        The minimum near the centre; gradient steps at the init's rates; or Adam from a blank start.
    strength : float or ndarray of shape (n_parameters,)
        Of the pull towards the centre.
    rates : ndarray of shape (n_parameters,)
        Of the steps.
    n_steps : int
        Number of steps.
    """

    network: Network
    scaling: Scaling
    start: np.ndarray
    tied: bool
    mode: str
    strength: float | np.ndarray
    rates: np.ndarray
    n_steps: int

    def rows(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray, n_classes: int) -> Rows:
        """One task's rows; y are class codes, or a regression's targets where there are no classes."""
        targets = encoded(y, n_classes, self.network.loss, self.tied) if n_classes else self.scaling.targets(y)[:, None]
        dtype = self.start.dtype
        return Rows(*(np.asarray(a, dtype=dtype)[None] for a in (self.scaling.inputs(X), targets, weights)))

    def adapted(
        self, rows: Rows, theta: np.ndarray, precision: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Parameters (n_parameters,) moved from `theta` by these rows, and what is now known of them.

        `precision` (n_outputs, n_inputs, n_inputs) is the curvature of all rows that `theta` has seen; None
        where it has seen none.
        """
        if self.mode != "exact":
            return self._after_steps(rows.averaged(), theta), None
        penalty = self._pull() if precision is None else block_penalty(precision)
        moved_exactly = biased_minimum(self.network, theta[None], penalty, rows)[0]
        if self.network.sizes[0] > MAX_REMEMBERED:
            return moved_exactly, None
        known = self._own_precision() if precision is None else precision
        return moved_exactly, known + precision_blocks(self.network, moved_exactly, rows)

    def _after_steps(self, rows: Rows, theta: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            if self.mode == "adam":
                moved = adam_steps(self.network, theta[None], self.rates, rows, self.n_steps)
            else:
                moved, _ = gradient_steps(self.network, theta[None], self.rates, rows, self.n_steps)
        if not np.isfinite(moved).all():
            raise ValueError(
                f"{self.n_steps} gradient steps at rates up to {self.rates.max():g} diverged on these rows: lower "
                "inner_rate or n_steps, or train the init on tasks with as few rows (n_shots)."
            )
        return np.array(moved[0])

    def outputs(self, theta: np.ndarray, X: np.ndarray) -> np.ndarray:
        """Outputs (n_rows, n_outputs) of rows X (n_rows, n_features)."""
        inputs = np.asarray(self.scaling.inputs(X), dtype=self.start.dtype)
        return self.network.outputs(theta[None], inputs[None])[0]

    def linear_form(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (n_outputs, n_features) and intercepts (n_outputs,) in the task's own units."""
        W, b = next(iter(self.network.layers(theta[None])))
        coef = self.scaling.y_scale * W[0].T / self.scaling.scale
        intercept = np.zeros(len(coef)) if b is None else self.scaling.y_scale * b[0, 0]
        return coef, intercept - coef @ self.scaling.mean + self.scaling.y_mean

    def _pull(self) -> Penalty:
        """The pull towards the centre; where intercepts go free, softmax sees only their differences."""
        uniform = uniform_penalty(self.strength)
        if self.network.loss != "softmax" or not self.network.intercepts:
            return uniform
        intercepts = self.network.layout[-1][1]

        def anchored(direction: np.ndarray) -> np.ndarray:
            pull = uniform(direction)
            pull[:, intercepts] += direction[:, intercepts].mean(axis=1, keepdims=True)
            return pull

        return anchored

    def _own_precision(self) -> np.ndarray:
        n_inputs = self.network.sizes[0] + self.network.intercepts
        strength = np.broadcast_to(self.strength, self.start.shape).reshape(n_inputs, -1)
        return np.stack([np.diag(column) for column in strength.T])


def adapter_of(init: MetaInit, n_classes: int, options: Options) -> TaskAdapter:
    """The adapter that starts from a meta-learned init."""
    _check_left_to_init(options)
    network, start, rates = init.network, init.weights, init.rates
    if init.problem.tied:
        network = network.with_outputs(n_classes)
        start, rates = init.network.tiled(start, n_classes), init.network.tiled(rates, n_classes)
    if options.inner_rate is not None:
        rates = np.asarray(options.inner_rate * (rates != 0), dtype=rates.dtype)
    return TaskAdapter(
        network=network,
        scaling=init.scaling,
        start=start,
        tied=init.problem.tied,
        mode="exact" if _exact(options, init.exact) else "steps",
        strength=options.regularization or init.regularization,
        rates=rates,
        n_steps=init.n_steps if options.n_steps is None else options.n_steps,
    )


def blank_adapter(
    model: str, problem: Problem, X: np.ndarray, y: np.ndarray, weights: np.ndarray, options: Options
) -> TaskAdapter:
    """The adapter that starts from nothing, with the data's own scales.

    Linear and svm then solve the problem that `Ridge`, `LogisticRegression` or `LinearSVC` solve on the data as
    they are: scales are undone in the penalty, and the intercept goes free.
    """
    intercepts = options.fit_intercept is not False
    regression = problem.task == "regression"
    scaling = fitted_scaling(X, y if regression else None, weights, centre=intercepts)
    seed = check_random_state(options.random_state).randint(np.iinfo(np.int32).max)
    if options.kernel == "rbf":
        gamma = "scale" if options.gamma is None else options.gamma
        n_components = 100 if options.n_components is None else options.n_components
        scaling = with_kernel(scaling, gamma, n_components, seed)
    epsilon = 0.1 if options.epsilon is None else options.epsilon
    hidden = layer_sizes((40, 40) if options.hidden_layer_sizes is None else options.hidden_layer_sizes)
    network = Network(
        sizes=(scaling.n_inputs, *(hidden if model == "mlp" else ()), problem.n_outputs),
        activation=options.activation or "relu",
        loss=loss_name(model, problem),
        epsilon=epsilon / scaling.y_scale,
        intercepts=intercepts,
    )
    strength = 1.0 if options.regularization is None else options.regularization
    exact = model in CONVEX and _exact(options, True)
    return TaskAdapter(
        network=network,
        scaling=scaling,
        start=network.initial(np.random.default_rng(seed)),
        tied=False,
        mode="exact" if exact else "adam",
        strength=strength * _own_units(scaling, network) if exact else strength,
        rates=np.full(network.n_parameters, BLANK_RATE if options.inner_rate is None else options.inner_rate),
        n_steps=N_BLANK_STEPS if options.n_steps is None else options.n_steps,
    )


def check_options(options: Options) -> None:
    """An error where a parameter's value makes no sense."""
    for name, known in (("kernel", KERNELS), ("activation", ACTIVATIONS)):
        if getattr(options, name) is not None:
            check_choice(name, getattr(options, name), known)
    check_numbers(**{name: getattr(options, name) for name in NUMBERS})
    check_gamma(options.gamma)
    if options.regularization is not None and (options.n_steps, options.inner_rate) != (None, None):
        raise ValueError(
            "regularization asks for the exact minimum near the init, n_steps and inner_rate for gradient "
            "steps: set one of the two."
        )


def _exact(options: Options, by_default: bool) -> bool:
    if options.regularization is not None:
        return True
    return by_default and options.n_steps is None and options.inner_rate is None


def _own_units(scaling: Scaling, network: Network) -> np.ndarray:
    """What a penalty on the weights in the data's own units is on each scaled parameter; none on intercepts."""
    by_input = np.ones(network.sizes[0]) if scaling.fourier_offset is not None else 1 / scaling.scale**2
    by_weight = np.repeat(by_input, network.sizes[-1])
    return np.concatenate([by_weight, np.zeros(network.n_parameters - len(by_weight))])


def _check_left_to_init(options: Options) -> None:
    for name in STRUCTURE:
        if getattr(options, name) is not None:
            raise ValueError(
                f"{name}={getattr(options, name)!r} was fixed when the init was trained: leave {name}=None, "
                "or train an init with it."
            )
