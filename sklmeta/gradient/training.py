"""Learning a start, a centre or inner rates from many tasks."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel
from sklearn.utils import check_random_state

from sklmeta.gradient._adaptation import Adam
from sklmeta.gradient._batches import Problem, check_width, described, loss_name, plain_labels
from sklmeta.gradient._checks import check_choice, check_gamma, check_numbers
from sklmeta.gradient._meta_gradients import Batch, Meta, adapted_loss, through_minimum
from sklmeta.gradient._network import ACTIVATIONS, Network, layer_sizes
from sklmeta.gradient._scaling import KERNELS, Scaling, fitted_scaling, identity_scaling, with_kernel
from sklmeta.gradient.algorithms import Algorithm, find_algorithm, meta_gradient
from sklmeta.gradient.episodes import Episode, ListedTasks, Names, SampledTasks, Sampler, Task
from sklmeta.gradient.init import MetaInit, averaged_exactly, pooled_exactly, rows_of

Source = ListedTasks | SampledTasks

N_RECORDS = 100  # points of a learning curve
N_EXPLODED = 10  # batches in a row without a finite loss, before training counts as diverged
N_VALIDATED = 200  # episodes of a validation sampler
PACES = Meta(1.0, 1 / 30, 1.0)  # type: ignore[arg-type]  # rates move slower than weights: they are much smaller
MODEL_OPTIONS: dict[str, dict[str, Any]] = {
    "linear": {"fit_intercept": True},
    "svm": {
        "fit_intercept": True,
        "kernel": "linear",
        "gamma": "scale",
        "n_components": 100,
        "epsilon": 0.1,
    },
    "mlp": {"hidden_layer_sizes": (40, 40), "activation": "relu"},
}


class Schedule(NamedTuple):
    """How the outer loop runs."""

    max_iter: int
    meta_rate: float
    meta_batch_size: int
    n_iter_no_change: int
    n_jobs: int | None
    verbose: int


def meta_train(
    tasks: Iterable[Task] | Sampler,
    model: str = "mlp",
    algorithm: str = "maml",
    *,
    task: str | None = None,
    shared_classes: bool | None = None,
    n_shots: int | None = None,
    n_query: int | None = None,
    scale: bool = True,
    n_steps: int = 5,
    inner_rate: float | None = None,
    regularization: float = 1.0,
    max_iter: int | None = None,
    meta_rate: float | None = None,
    meta_batch_size: int = 25,
    validation_tasks: Iterable[Task] | Sampler | None = None,
    n_iter_no_change: int = 10,
    dtype: str | None = None,
    n_jobs: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
    **model_options: Any,
) -> MetaInit:
    """Learn across tasks what a new task starts from, or stays close to.

    The meta-loss is the mean over tasks of the query loss after adapting to the support. Its gradient is exact:
    written by hand through the inner steps, or through the inner minimum by the implicit function theorem.

    Parameters
    ----------
    tasks : iterable of (X, y) or Episode, or callable
        What to learn from. The rows of (X, y) are split into support and query anew at every draw. A
        callable takes a `numpy.random.Generator` and returns an `Episode`.
    model : {"linear", "svm", "mlp"}, default="mlp"
        Linear or logistic regression; squared-hinge or squared epsilon-insensitive support vector machine;
        multilayer perceptron.
    algorithm : str, default="maml"
        ``"maml"`` [1]_ learns a start from which `n_steps` gradient steps do best, by exact second order;
        ``"fomaml"`` [1]_ the same without second derivatives; ``"reptile"`` [2]_ moves the start to where
        the tasks end; ``"meta-sgd"`` [3]_ learns every parameter's inner rate too; ``"anil"`` [4]_ (mlp)
        adapts the head only, on a shared body; ``"imaml"`` [5]_ [6]_ (linear and svm) learns the centre
        w0 and the strength lambda of ``min loss + lambda / 2 * (w - w0)^2``; ``"average"`` [7]_ averages
        the tasks' own parameters by rows; ``"transfer"`` [8]_ trains on all rows together, each task being
        that plus its own deviation.
    task : {"classification", "regression"} or None, default=None
        None: classification for labels, for integers of at most 30 different values, and where
        `shared_classes` says that there are classes.
    shared_classes : bool or None, default=None
        Whether a label means the same in every task. If not, a new task may have classes never seen before,
        and the head starts alike for all of them. None: yes if any one task shows all labels.
    n_shots : int or None, default=None
        Support rows of a split: of each class, or of the task in a regression. None: half.
    n_query : int or None, default=None
        Most query rows of a split. None: all that are left.
    scale : bool, default=True
        Whether features, and a regression's target, are standardised by what the tasks show together.
    n_steps : int, default=5
        Inner gradient steps. Not used where tasks adapt by an exact minimum (linear and svm under
        ``"imaml"``, ``"average"`` and ``"transfer"``).
    inner_rate : float or None, default=None
        Inner learning rate, in scaled units; the initial one for ``"meta-sgd"``. None: 0.4 on the log loss of
        linear and mlp classifiers, whose gradients are small, and 0.01 on the other losses (both as in [1]_);
        0.05 there for ``"reptile"`` and ``"average"``, which learn nothing from steps that go nowhere.
    regularization : float, default=1.0
        Strength lambda of the exact minimum, against a loss summed over rows; ``"imaml"`` learns it from
        here.
    max_iter : int or None, default=None
        Outer iterations. None: 15000 for the mlp, 1000 for linear and svm. ``"average"`` and ``"transfer"``
        of linear and svm pass once over listed tasks, or over ``max_iter * meta_batch_size`` sampled ones.
    meta_rate : float or None, default=None
        Outer learning rate, falling to zero along a half cosine: Adam's, or the length of a Reptile step.
        None: 0.003 for the mlp, 0.03 for linear and svm; 1.0 for ``"reptile"`` and ``"average"``.
    meta_batch_size : int, default=25
        Tasks of an outer iteration.
    validation_tasks : iterable of (X, y) or Episode, callable, or None, default=None
        Tasks to stop by: the weights that do best on them are kept. Where one pass learns all, they are only
        judged by: ``init.history`` has their loss.
    n_iter_no_change : int, default=10
        Checks on `validation_tasks` (100 in all over `max_iter`) without improvement before stopping.
    dtype : {"float32", "float64"} or None, default=None
        Of weights and computations. None: float32 for the mlp, float64 for linear and svm.
    n_jobs : int or None, default=None
        Threads over groups of tasks of similar size, where tasks are ragged. Tasks of one size are computed
        together anyway.
    random_state : int, RandomState instance or None, default=None
        Draws tasks, splits and initial weights.
    verbose : int, default=0
        Whether to print the learning curve.
    **model_options : dict
        ``hidden_layer_sizes=(40, 40)`` and ``activation="relu"`` (or ``"tanh"``) of the mlp;
        ``fit_intercept=True`` of linear and svm; ``kernel="linear"`` (or ``"rbf"``, approximated by
        ``n_components=100`` random Fourier features of ``gamma="scale"``) and ``epsilon=0.1`` (in scaled
        units) of the svm.

    Returns
    -------
    MetaInit
        Pass it to an estimator as ``init``; ``init.history`` has the learning curves.

    Raises
    ------
    ValueError
        If tasks differ in their columns, hold NaN, have one class or too few rows; if the algorithm does not fit the
        model; if a number is out of its range; if training diverges.
    TypeError
        If what was given is no tasks, or the model has no such option.

    References
    ----------
    .. [1] C. Finn, P. Abbeel, S. Levine (2017). Model-agnostic meta-learning for fast adaptation of deep
           networks. ICML.
    .. [2] A. Nichol, J. Achiam, J. Schulman (2018). On first-order meta-learning algorithms. arXiv:1803.02999.
    .. [3] Z. Li, F. Zhou, F. Chen, H. Li (2017). Meta-SGD: learning to learn quickly for few-shot learning.
           arXiv:1707.09835.
    .. [4] A. Raghu, M. Raghu, S. Bengio, O. Vinyals (2020). Rapid learning or feature reuse? Towards
           understanding the effectiveness of MAML. ICLR.
    .. [5] A. Rajeswaran, C. Finn, S. Kakade, S. Levine (2019). Meta-learning with implicit gradients. NeurIPS.
    .. [6] G. Denevi, C. Ciliberto, D. Stamos, M. Pontil (2018). Learning to learn around a common mean. NeurIPS.
    .. [7] H. B. McMahan, E. Moore, D. Ramage, S. Hampson, B. Agüera y Arcas (2017). Communication-efficient
           learning of deep networks from decentralized data. AISTATS.
    .. [8] T. Evgeniou, M. Pontil (2004). Regularized multi-task learning. KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from sklmeta.gradient import MetaLinearRegressor, meta_train
    >>> rng = np.random.default_rng(0)
    >>> def task(w):
    ...     X = rng.normal(size=(12, 2))
    ...     return X, X @ w
    >>> tasks = [task(np.array([1.0, -2.0]) + 0.1 * rng.normal(size=2)) for _ in range(30)]
    >>> init = meta_train(tasks, model="linear", algorithm="imaml", max_iter=100, random_state=0)
    >>> X, y = task(np.array([1.0, -2.0]))
    >>> few_shot = MetaLinearRegressor(init=init).fit(X[:2], y[:2])
    >>> bool(few_shot.score(X, y) > 0.95)
    True
    """
    chosen = find_algorithm(algorithm, model)
    options = _checked_options(model, model_options)
    check_numbers(
        n_steps=n_steps,
        inner_rate=inner_rate,
        regularization=regularization,
        max_iter=max_iter,
        meta_rate=meta_rate,
        meta_batch_size=meta_batch_size,
        n_shots=n_shots,
        n_query=n_query,
        n_iter_no_change=n_iter_no_change,
    )
    check_choice("dtype", dtype, (None, "float32", "float64"))
    seeds = check_random_state(random_state).randint(np.iinfo(np.int32).max, size=4)
    source = _source(tasks, n_shots, n_query)
    probe = source.probe(np.random.default_rng(seeds[0]))
    for i, (X, _) in enumerate(probe):
        check_width(X.shape[1], probe[0][0].shape[1], f"Task {i}")
    problem = described([y for _, y in probe], task, shared_classes)
    training = _training_problem(problem, probe, algorithm, model)
    scaling = _scaling(probe, training, scale, options, int(seeds[1]))
    network = _network(model, training, scaling, options)
    start, rates = _start(chosen, training, network, seeds[3])
    inner_rate = _default_inner_rate(chosen, network.loss) if inner_rate is None else inner_rate
    dtype = dtype or ("float32" if model == "mlp" else "float64")
    schedule = Schedule(
        max_iter=(15_000 if model == "mlp" else 1_000) if max_iter is None else max_iter,
        meta_rate=_default_rate(chosen, model) if meta_rate is None else meta_rate,
        meta_batch_size=meta_batch_size,
        n_iter_no_change=n_iter_no_change,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    init = MetaInit(
        model=model,
        algorithm=algorithm,
        problem=training,
        network=network,
        scaling=scaling,
        weights=start.astype(dtype),
        rates=(inner_rate * rates).astype(dtype),
        n_steps=n_steps,
        regularization=regularization,
        provenance={
            "n_tasks": len(probe) if isinstance(source, ListedTasks) else None,
            "n_shots": n_shots,
            "inner_rate": inner_rate,
            "max_iter": schedule.max_iter,
            "meta_rate": schedule.meta_rate,
            "meta_batch_size": meta_batch_size,
            **options,
        },
        feature_names=source.names,
    )
    source = source.stratified(training.task == "classification")
    rng = np.random.default_rng(seeds[2])
    validation = _validation(validation_tasks, _ready(init, problem), n_shots, n_query, rng)
    if chosen.exact(model) and algorithm != "imaml":
        return _learned_exactly(init, source, schedule, validation, rng)
    with np.errstate(over="ignore", invalid="ignore"):  # a loss that is not finite raises, and says what to do
        learned = _learned(chosen, init, source, schedule, _Curve(init, problem, schedule, validation), rng)
    return _ready(learned, problem)


class _Curve:
    """The learning curve, and the best point on it that validation tasks saw."""

    def __init__(self, init: MetaInit, problem: Problem, schedule: Schedule, validation: list[Batch]):
        self.init, self.problem, self.schedule, self.validation = init, problem, schedule, validation
        self.every = max(1, schedule.max_iter // N_RECORDS)
        self.losses: list[float] = []
        self.points: list[tuple[float, float, float, float]] = []
        self.best: tuple[float, Meta | None] = (np.inf, None)
        self.since_best = self.exploded = 0
        self.began = time.perf_counter()

    def record(self, iteration: int, loss: float, meta: Meta) -> None:
        """Note a loss; every so often a point of the curve."""
        self.exploded = 0
        self.losses.append(loss)
        if iteration % self.every == 0:
            validated = _validated(_ready(_with(self.init, meta), self.problem), self.validation)
            seconds = time.perf_counter() - self.began
            self.points.append((iteration, float(np.mean(self.losses)), validated, seconds))
            self.losses = []
            self.since_best += 1
            if validated < self.best[0]:
                self.best, self.since_best = (validated, meta), 0
            if self.schedule.verbose:
                print(f"iteration {iteration}: loss {self.points[-1][1]:.4g}, validation {validated:.4g}")

    def explode(self, iteration: int, loss: float) -> None:
        """Note that a batch had no finite loss or gradient; when that goes on, it is no single task's fault."""
        self.exploded += 1
        if self.exploded == min(N_EXPLODED, self.schedule.max_iter):
            raise ValueError(
                f"The meta-loss became {loss} at iteration {iteration}, as in those before: training diverged. Lower "
                f"inner_rate (now {float(self.init.rates.max()):g}) or meta_rate (now {self.schedule.meta_rate:g})."
            )

    @property
    def stalled(self) -> bool:
        """Whether validation tasks say that it is enough."""
        return bool(self.validation) and self.since_best >= self.schedule.n_iter_no_change

    def history(self) -> dict[str, np.ndarray]:
        """The curve as arrays."""
        return _history(self.points)


def _history(points: list[tuple[float, float, float, float]]) -> dict[str, np.ndarray]:
    columns = np.array(points, dtype=float).reshape(-1, 4).T
    return dict(zip(("iteration", "loss", "validation_loss", "seconds"), columns, strict=True))


def _learned(
    algorithm: Algorithm,
    init: MetaInit,
    source: Source,
    schedule: Schedule,
    curve: _Curve,
    rng: np.random.Generator,
) -> MetaInit:
    """The outer loop: draw tasks, take their meta-gradient, step."""
    meta = _meta_of(init)
    optimisers = Meta(Adam(), Adam(), Adam())  # type: ignore[arg-type]
    parallel = None if schedule.n_jobs in (None, 1) else Parallel(schedule.n_jobs, prefer="threads")
    n_rows = 0.0
    for iteration in range(1, schedule.max_iter + 1):
        batches = init.batches(source.draw(rng, schedule.meta_batch_size))
        how = init.n_steps, init.problem.tied, parallel
        loss, gradient = meta_gradient(algorithm, init.network, meta, batches, *how)
        if not _finite(loss, gradient):  # too large for single precision: the way back may still be seen in double
            loss, gradient = meta_gradient(algorithm, init.network, _in_double(meta), _in_double(batches), *how)
        if not _finite(loss, gradient):
            curve.explode(iteration, loss)
            continue
        rate = schedule.meta_rate * (1 + math.cos(math.pi * (iteration - 1) / schedule.max_iter)) / 2
        meta = _stepped(algorithm, meta, gradient, optimisers, rate)
        n_rows += rows_of(batches)
        curve.record(iteration, loss, meta)
        if curve.stalled:
            break
    return replace(_with(init, curve.best[1] or meta), n_rows=n_rows, history=curve.history())


def _finite(loss: float, gradient: Meta) -> bool:
    return bool(np.isfinite(loss)) and all(bool(np.isfinite(part).all()) for part in gradient)


def _in_double(value: Any) -> Any:
    """The same tuples and lists of arrays in double precision."""
    if isinstance(value, tuple):
        return type(value)(*map(_in_double, value))
    return list(map(_in_double, value)) if isinstance(value, list) else np.asarray(value, dtype=np.float64)


def _meta_of(init: MetaInit) -> Meta:
    return Meta(init.weights, init.rates, float(np.log(init.regularization)))


def _with(init: MetaInit, meta: Meta) -> MetaInit:
    return replace(init, weights=meta.theta, rates=meta.rates, regularization=float(np.exp(meta.log_penalty)))


def _stepped(algorithm: Algorithm, meta: Meta, gradient: Meta, optimisers: Meta, rate: float) -> Meta:
    """Meta-parameters after one outer step: Adam's, or along a surrogate gradient as it is."""
    dtype = meta.theta.dtype
    if algorithm.surrogate:
        return meta._replace(theta=(meta.theta - rate * gradient.theta).astype(dtype))
    theta, rates, log_penalty = (
        old - rate * pace * optimiser.direction(_clipped(by))  # type: ignore[union-attr]
        for old, pace, optimiser, by in zip(meta, PACES, optimisers, gradient, strict=True)
    )
    return Meta(theta.astype(dtype), rates.astype(dtype), float(log_penalty))


def _clipped(gradient: Any) -> Any:
    """The gradient, shortened to length 10: one exploding task must not freeze Adam's scale for long."""
    return gradient * min(1.0, 10 / (float(np.linalg.norm(gradient)) + 1e-12))


def _learned_exactly(
    init: MetaInit, source: Source, schedule: Schedule, validation: list[Batch], rng: np.random.Generator
) -> MetaInit:
    """Average or pool the tasks' rows in one pass, in closed form or to the exact minimum."""
    began = time.perf_counter()
    batches = init.batches(_pass(source, rng, schedule.max_iter * schedule.meta_batch_size))
    learned = averaged_exactly(init, batches) if init.algorithm == "average" else pooled_exactly(init, batches)
    point = (1.0, np.nan, _validated(learned, validation), time.perf_counter() - began)
    return replace(learned, history=_history([point]))


def _validated(init: MetaInit, batches: list[Batch]) -> float:
    """Mean query loss of validation tasks after the adaptation that estimators will do; NaN without tasks."""
    if not batches:
        return np.nan
    judge = Algorithm("judge", through_minimum if init.exact else adapted_loss)
    return meta_gradient(judge, init.network, _meta_of(init), batches, init.n_steps, init.problem.tied)[0]


def _validation(
    tasks: Iterable[Task] | Sampler | None,
    init: MetaInit,
    n_shots: int | None,
    n_query: int | None,
    rng: np.random.Generator,
) -> list[Batch]:
    """Batches of fixed validation episodes; none where no validation tasks were given."""
    if tasks is None:
        return []
    try:
        source = _source(tasks, n_shots, n_query, init.feature_names).stratified(init.task == "classification")
        return init.batches(_pass(source, rng, N_VALIDATED))
    except (TypeError, ValueError) as error:
        raise type(error)(f"Among the validation tasks: {error}") from error


def _default_rate(algorithm: Algorithm, model: str) -> float:
    if algorithm.surrogate:
        return 1.0
    return 0.003 if model == "mlp" else 0.03


def _default_inner_rate(algorithm: Algorithm, loss: str) -> float:
    if loss in ("logistic", "softmax"):
        return 0.4
    return 0.05 if algorithm.surrogate else 0.01


def _source(tasks: Iterable[Task] | Sampler, n_shots: int | None, n_query: int | None, names: Names = None) -> Source:
    if not callable(tasks) and not isinstance(tasks, Iterable):
        raise TypeError(
            f"Tasks are {type(tasks).__name__}; pass a list of (X, y) or Episodes, or a function that takes a numpy "
            "Generator and returns an Episode."
        )
    return SampledTasks(tasks, names) if callable(tasks) else ListedTasks(tasks, n_shots, n_query, names)


def _pass(source: Source, rng: np.random.Generator, n_sampled: int) -> list[Episode]:
    """An episode of each listed task, or so many sampled ones."""
    return source.draw(rng, n_sampled) if isinstance(source, SampledTasks) else source.everything(rng)


def _checked_options(model: str, options: dict[str, Any]) -> dict[str, Any]:
    known = MODEL_OPTIONS[model]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(f"meta_train has no option {unknown[0]!r} for model={model!r}; it has {sorted(known)}.")
    chosen = {**known, **options}
    if "hidden_layer_sizes" in chosen:
        chosen["hidden_layer_sizes"] = layer_sizes(chosen["hidden_layer_sizes"])
    check_choice("activation", chosen.get("activation", "relu"), ACTIVATIONS)
    check_choice("kernel", chosen.get("kernel", "linear"), KERNELS)
    check_numbers(**{name: chosen.get(name) for name in ("epsilon", "n_components")})
    check_gamma(chosen.get("gamma"))
    return chosen


def _training_problem(
    problem: Problem, probe: list[tuple[np.ndarray, np.ndarray]], algorithm: str, model: str
) -> Problem:
    """The problem to train on: transfer to unseen classes trains its body on all classes there are."""
    if not (problem.tied and algorithm == "transfer"):
        return problem
    if model != "mlp":
        raise ValueError(
            f"algorithm='transfer' of model={model!r} has nothing to share between tasks of different classes: "
            "all its parameters belong to a class. Choose model='mlp' or algorithm='imaml'."
        )
    return Problem("classification", plain_labels(np.unique(np.concatenate([y for _, y in probe]))))


def _scaling(
    probe: list[tuple[np.ndarray, np.ndarray]],
    problem: Problem,
    scale: bool,
    options: dict[str, Any],
    seed: int,
) -> Scaling:
    X = np.concatenate([X for X, _ in probe])
    y = np.concatenate([y for _, y in probe]) if problem.task == "regression" else None
    scaling = fitted_scaling(X, y) if scale else identity_scaling(X.shape[1])
    if options.get("kernel", "linear") == "linear":
        return scaling
    return with_kernel(scaling, options["gamma"], options["n_components"], seed, scaling.inputs(X).var())


def _network(model: str, problem: Problem, scaling: Scaling, options: dict[str, Any]) -> Network:
    return Network(
        sizes=(scaling.n_inputs, *options.get("hidden_layer_sizes", ()), problem.n_outputs),
        activation=options.get("activation", "relu"),
        loss=loss_name(model, problem),
        epsilon=options.get("epsilon", 0.1),
        intercepts=options.get("fit_intercept", True),
    )


def _start(algorithm: Algorithm, problem: Problem, network: Network, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Initial weights, and 1 for each parameter that adapts."""
    start = network.initial(np.random.default_rng(seed))
    if problem.tied:
        start[network.head] = 0
    return start, network.head if algorithm.head_only else np.ones(network.n_parameters)


def _ready(init: MetaInit, problem: Problem) -> MetaInit:
    """The init for new tasks: of transfer to unseen classes, the trained body under a tied head at zero."""
    if problem is init.problem:
        return init
    network = init.network.with_outputs(problem.n_outputs)
    weights = init.network.tied(init.weights, mean=True) * ~network.head
    rates = init.network.tied(init.rates, mean=True)
    return replace(init, problem=problem, network=network, weights=weights, rates=rates)
