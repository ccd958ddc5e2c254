"""Estimators that adapt a meta-learned init to one task."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from sklmeta.gradient._adapter import Options, adapter_of, blank_adapter, check_options
from sklmeta.gradient._batches import Problem, check_width, codes_of, plain_labels
from sklmeta.gradient.episodes import Names, check_names, names_of
from sklmeta.gradient.init import MetaInit
from sklmeta.restoring import as_before_if_it_fails


class _MetaModel(BaseEstimator):
    """What all share: take the init or a blank start, adapt it to a task."""

    _model: str
    _task: str
    init: MetaInit | None

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Adapt the init to a task.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of the task.
        y : array-like of shape (n_samples,)
            Their targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows. None: 1 each.

        Returns
        -------
        self : object
            The adapted estimator.
        """
        with as_before_if_it_fails(self):
            X, y, weights, options = self._checked(X, y, sample_weight, reset=True)
            self._begin(X, y, weights, options, classes=None)
            return self._adapt(X, y, weights)

    def _go_on(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Any:
        first = not hasattr(self, "parameters_")
        with as_before_if_it_fails(self):
            X, y, weights, options = self._checked(X, y, sample_weight, reset=first)
            if first:
                self._begin(X, y, weights, options, classes)
            elif self.adapter_.mode == "exact" and self.precision_ is None:
                raise ValueError(
                    f"partial_fit remembers a matrix of inputs by inputs, and {self.adapter_.network.sizes[0]} "
                    "inputs are too many for that; reduce them, or set n_steps to adapt by gradient steps."
                )
            return self._adapt(X, y, weights)

    def _checked(
        self, X: Any, y: Any, sample_weight: Any, reset: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, Options]:
        """Rows of positive weight, and the parameters, or an error where they contradict each other."""
        numeric = self._task == "regression"
        names = names_of(X)
        X, y = validate_data(self, X, y, reset=reset, dtype=np.float64, y_numeric=numeric)
        if not numeric:
            check_classification_targets(y)
        options = Options(**{k: v for k, v in self.get_params(deep=False).items() if k != "init"})
        check_options(options)
        self._check_init(names)
        weights = _checked_weights(sample_weight, len(y))
        kept = weights > 0
        return X[kept], y[kept], weights[kept], options

    def _check_init(self, names: Names) -> None:
        if self.init is None:
            return
        if not isinstance(self.init, MetaInit):
            raise TypeError(f"init is {type(self.init).__name__}; pass what meta_train returned, or None.")
        if (self.init.model, self.init.task) != (self._model, self._task):
            raise ValueError(
                f"{type(self).__name__} needs an init of model={self._model!r} for {self._task}; got one of "
                f"model={self.init.model!r} for {self.init.task}."
            )
        check_names(names, self.init.feature_names, "X")

    def _begin(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray, options: Options, classes: Any) -> None:
        if self.init is not None:
            check_width(X.shape[1], self.init.n_features, "X")
        n_classes = self._learn_classes(y, classes)
        if self.init is None:
            problem = Problem(self._task, self.classes_ if n_classes else None)
            self.adapter_ = blank_adapter(self._model, problem, X, self._coded(y), weights, options)
        else:
            self.adapter_ = adapter_of(self.init, n_classes, options)
        self.parameters_ = self.adapter_.start
        self.precision_: np.ndarray | None = None

    def _adapt(self, X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> Any:
        n_classes = len(self.classes_) if self._task == "classification" else 0
        rows = self.adapter_.rows(X, self._coded(y), weights, n_classes)
        self.parameters_, self.precision_ = self.adapter_.adapted(rows, self.parameters_, self.precision_)
        if self.adapter_.network.sizes[1:-1] == () and self.adapter_.scaling.fourier_offset is None:
            self.coef_, self.intercept_ = self._linear_form()
        else:  # of an earlier fit, perhaps of a linear kernel
            self.__dict__.pop("coef_", None)
            self.__dict__.pop("intercept_", None)
        return self

    def _linear_form(self) -> tuple[np.ndarray, Any]:
        return self.adapter_.linear_form(self.parameters_)

    def _learn_classes(self, y: np.ndarray, classes: Any) -> int:
        return 0

    def _coded(self, y: np.ndarray) -> np.ndarray:
        return y

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self, "parameters_")
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.adapter_.outputs(self.parameters_, X)


class _MetaRegressor(RegressorMixin, _MetaModel):
    _task = "regression"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Adapt further, from where the parameters are, as rows arrive.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New rows of the task.
        y : array-like of shape (n_samples,)
            Their targets.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows. None: 1 each.

        Returns
        -------
        self : object
            The adapted estimator.
        """
        return self._go_on(X, y, sample_weight)

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predicted targets.
        """
        outputs = self._outputs(X)[:, 0].astype(float)
        return self.adapter_.scaling.predictions(outputs)

    def _linear_form(self) -> tuple[np.ndarray, Any]:
        coef, intercept = super()._linear_form()
        return coef[0], float(intercept[0])


class _MetaClassifier(ClassifierMixin, _MetaModel):
    _task = "classification"

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Any:
        """Adapt further, from where the parameters are, as rows arrive.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            New rows of the task.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels that may come; needed at the first call, unless the init knows them.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights of the rows. None: 1 each.

        Returns
        -------
        self : object
            The adapted estimator.
        """
        known = self.init is not None and getattr(self.init, "classes", None) is not None
        if not known:
            self._check_classes(classes)
        return self._go_on(X, y, sample_weight, classes)

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute the confidence in each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes that of ``classes_[1]``, positive where it is predicted.
        """
        outputs = self._outputs(X).astype(float)
        if len(self.classes_) > 2:
            return outputs
        return outputs[:, 1] - outputs[:, 0] if outputs.shape[1] == 2 else outputs[:, 0]

    def predict(self, X: Any) -> np.ndarray:
        """Predict labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples,)
            Predicted labels.
        """
        confidence = self.decision_function(X)
        codes = confidence.argmax(axis=1) if confidence.ndim == 2 else (confidence > 0).astype(int)
        return self.classes_[codes]

    def _check_classes(self, classes: Any) -> None:
        """An error where the first call has no classes, or a later one has others."""
        first = not hasattr(self, "parameters_")
        if classes is None and first:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if not (classes is None or first or np.array_equal(self.classes_, np.unique(classes))):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: {self.classes_!r}"
            )

    def _learn_classes(self, y: np.ndarray, classes: Any) -> int:
        known = None if self.init is None else self.init.classes
        if known is not None:
            self.classes_ = known
        else:
            self.classes_ = plain_labels(np.unique(y if classes is None else classes))
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class, {self.classes_.tolist()[0]!r}: {type(self).__name__} needs two classes or more."
            )
        return len(self.classes_)

    def _coded(self, y: np.ndarray) -> np.ndarray:
        return codes_of(y, self.classes_)


class _Probabilistic(_MetaClassifier):
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Probability of each class, in the order of `classes_`.
        """
        confidence = self.decision_function(X)
        if confidence.ndim == 2:
            return softmax(confidence, axis=1)
        second = expit(confidence)
        return np.column_stack([1 - second, second])


def _checked_weights(sample_weight: Any, n_rows: int) -> np.ndarray:
    if sample_weight is None:
        return np.ones(n_rows)
    weights = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight has shape {weights.shape}; X has {n_rows} rows, so ({n_rows},).")
    if (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight must not be negative, and not zero for every row.")
    return weights


class MetaLinearRegressor(_MetaRegressor):
    """Linear regression that adapts a meta-learned centre or start to a task.

    With an init of ``"imaml"``, ``"average"`` or ``"transfer"`` it minimises the squared errors, summed, plus
    ``regularization / 2 * (w - w0)^2`` [1]_; with one that learned by gradient steps it takes these steps.
    Without init it is ridge regression: `Ridge(alpha=regularization / 2)`. `partial_fit` is recursive least
    squares there: fitting in parts is fitting at once.

    Parameters
    ----------
    init : MetaInit or None, default=None
        What `meta_train` learned with ``model="linear"`` on regressions.
    regularization : float or None, default=None
        Strength of the pull towards the init; setting it asks for the exact minimum. None: the init's, or
        1.0 without init.
    n_steps : int or None, default=None
        Gradient steps, of Adam without init; setting it asks for them. None: the init's.
    inner_rate : float or None, default=None
        Rate of the steps; setting it asks for them. None: the init's.
    fit_intercept : bool or None, default=None
        Whether to fit an intercept. None: as the init, or yes without one.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients in the data's own units.
    intercept_ : float
        Intercept in the target's own unit.
    parameters_ : ndarray of shape (n_parameters,)
        Adapted parameters, in the init's scaled units.
    adapter_ : TaskAdapter
        How they came about.
    precision_ : ndarray of shape (n_outputs, n_inputs, n_inputs) or None
        Curvature of the rows seen, which `partial_fit` needs.
    n_features_in_ : int
        Features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    References
    ----------
    .. [1] G. Denevi, C. Ciliberto, D. Stamos, M. Pontil (2018). Learning to learn around a common mean. NeurIPS.

    Examples
    --------
    >>> from sklmeta.gradient import MetaLinearRegressor
    >>> reg = MetaLinearRegressor(regularization=1e-9).fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> reg.predict([[3.0]]).round(3)
    array([7.])
    """

    _model = "linear"

    def __init__(
        self,
        init: MetaInit | None = None,
        *,
        regularization: float | None = None,
        n_steps: int | None = None,
        inner_rate: float | None = None,
        fit_intercept: bool | None = None,
    ):
        self.init = init
        self.regularization = regularization
        self.n_steps = n_steps
        self.inner_rate = inner_rate
        self.fit_intercept = fit_intercept


class MetaLinearClassifier(_Probabilistic):
    """Logistic regression that adapts a meta-learned centre or start to a task.

    With an init of ``"imaml"``, ``"average"`` or ``"transfer"`` it minimises the log losses, summed, plus
    ``regularization / 2 * (w - w0)^2``; with one that learned by gradient steps it takes these steps. Without
    init it is `LogisticRegression(C=1 / regularization)`. `partial_fit` keeps the curvature of the rows that it
    saw as the precision of a Gaussian (a Laplace approximation).

    Parameters
    ----------
    init : MetaInit or None, default=None
        What `meta_train` learned with ``model="linear"`` on classifications. If it knows all labels, they
        are `classes_`, and y may lack some.
    regularization : float or None, default=None
        Strength of the pull towards the init; setting it asks for the exact minimum. None: the init's, or
        1.0 without init.
    n_steps : int or None, default=None
        Gradient steps, of Adam without init; setting it asks for them. None: the init's.
    inner_rate : float or None, default=None
        Rate of the steps; setting it asks for them. None: the init's.
    fit_intercept : bool or None, default=None
        Whether to fit an intercept. None: as the init, or yes without one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    coef_ : ndarray of shape (1 or n_classes, n_features)
        Coefficients in the data's own units.
    intercept_ : ndarray of shape (1 or n_classes,)
        Intercepts.
    parameters_ : ndarray of shape (n_parameters,)
        Adapted parameters, in the init's scaled units.
    adapter_ : TaskAdapter
        How they came about.
    precision_ : ndarray of shape (n_outputs, n_inputs, n_inputs) or None
        Curvature of the rows seen, which `partial_fit` needs.
    n_features_in_ : int
        Features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    Examples
    --------
    >>> from sklmeta.gradient import MetaLinearClassifier
    >>> clf = MetaLinearClassifier().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> clf.predict([[0.5], [2.5]]).tolist()
    ['a', 'b']
    """

    _model = "linear"

    def __init__(
        self,
        init: MetaInit | None = None,
        *,
        regularization: float | None = None,
        n_steps: int | None = None,
        inner_rate: float | None = None,
        fit_intercept: bool | None = None,
    ):
        self.init = init
        self.regularization = regularization
        self.n_steps = n_steps
        self.inner_rate = inner_rate
        self.fit_intercept = fit_intercept


class MetaSVC(_MetaClassifier):
    """Support vector machine of squared hinge loss that adapts a meta-learned centre or start to a task.

    It minimises the squared hinges, summed, plus ``regularization / 2 * (w - w0)^2``, one class against the
    rest. Without init it is `LinearSVC(C=1 / regularization)` with a free intercept, on random Fourier features
    for ``kernel="rbf"`` [1]_.

    Parameters
    ----------
    init : MetaInit or None, default=None
        What `meta_train` learned with ``model="svm"`` on classifications. If it knows all labels, they are
        `classes_`, and y may lack some.
    kernel : {"linear", "rbf"} or None, default=None
        Kernel. None: the init's, or linear without one.
    gamma : float, "scale" or None, default=None
        Width of the RBF kernel on standardised features, ``"scale"`` being 1 / n_features. None: the
        init's, or ``"scale"`` without one.
    n_components : int or None, default=None
        Random features that approximate the RBF kernel. None: the init's, or 100 without one.
    regularization : float or None, default=None
        Strength of the pull towards the init; setting it asks for the exact minimum. None: the init's, or
        1.0 without init.
    n_steps : int or None, default=None
        Gradient steps, of Adam without init; setting it asks for them. None: the init's.
    inner_rate : float or None, default=None
        Rate of the steps; setting it asks for them. None: the init's.
    fit_intercept : bool or None, default=None
        Whether to fit an intercept. None: as the init, or yes without one.
    random_state : int, RandomState instance or None, default=None
        Draws the random features of a kernel without init; an init brings its own.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    coef_ : ndarray of shape (1 or n_classes, n_features)
        Coefficients in the data's own units; only with the linear kernel.
    intercept_ : ndarray of shape (1 or n_classes,)
        Intercepts; only with the linear kernel.
    parameters_ : ndarray of shape (n_parameters,)
        Adapted parameters, in the init's scaled units.
    adapter_ : TaskAdapter
        How they came about.
    precision_ : ndarray of shape (n_outputs, n_inputs, n_inputs) or None
        Curvature of the rows seen, which `partial_fit` needs.
    n_features_in_ : int
        Features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    References
    ----------
    .. [1] A. Rahimi, B. Recht (2007). Random features for large-scale kernel machines. NIPS.

    Examples
    --------
    >>> from sklmeta.gradient import MetaSVC
    >>> clf = MetaSVC().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> clf.predict([[0.5], [2.5]]).tolist()
    [0, 1]
    """

    _model = "svm"

    def __init__(
        self,
        init: MetaInit | None = None,
        *,
        kernel: str | None = None,
        gamma: float | str | None = None,
        n_components: int | None = None,
        regularization: float | None = None,
        n_steps: int | None = None,
        inner_rate: float | None = None,
        fit_intercept: bool | None = None,
        random_state: Any = None,
    ):
        self.init = init
        self.kernel = kernel
        self.gamma = gamma
        self.n_components = n_components
        self.regularization = regularization
        self.n_steps = n_steps
        self.inner_rate = inner_rate
        self.fit_intercept = fit_intercept
        self.random_state = random_state


class MetaSVR(_MetaRegressor):
    """Support vector regression of squared epsilon-insensitive loss that adapts a meta-learned centre to a task.

    It minimises the losses, summed, plus ``regularization / 2 * (w - w0)^2``. Without init it is
    `LinearSVR(loss="squared_epsilon_insensitive", C=1 / regularization)` with a free intercept, on random
    Fourier features for ``kernel="rbf"``.

    Parameters
    ----------
    init : MetaInit or None, default=None
        What `meta_train` learned with ``model="svm"`` on regressions.
    kernel : {"linear", "rbf"} or None, default=None
        Kernel. None: the init's, or linear without one.
    gamma : float, "scale" or None, default=None
        Width of the RBF kernel on standardised features, ``"scale"`` being 1 / n_features. None: the
        init's, or ``"scale"`` without one.
    n_components : int or None, default=None
        Random features that approximate the RBF kernel. None: the init's, or 100 without one.
    epsilon : float or None, default=None
        Errors up to it cost nothing, in the target's unit. None: the init's, or 0.1 without one.
    regularization : float or None, default=None
        Strength of the pull towards the init; setting it asks for the exact minimum. None: the init's, or
        1.0 without init.
    n_steps : int or None, default=None
        Gradient steps, of Adam without init; setting it asks for them. None: the init's.
    inner_rate : float or None, default=None
        Rate of the steps; setting it asks for them. None: the init's.
    fit_intercept : bool or None, default=None
        Whether to fit an intercept. None: as the init, or yes without one.
    random_state : int, RandomState instance or None, default=None
        Draws the random features of a kernel without init; an init brings its own.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Coefficients in the data's own units; only with the linear kernel.
    intercept_ : float
        Intercept in the target's own unit; only with the linear kernel.
    parameters_ : ndarray of shape (n_parameters,)
        Adapted parameters, in the init's scaled units.
    adapter_ : TaskAdapter
        How they came about.
    precision_ : ndarray of shape (n_outputs, n_inputs, n_inputs) or None
        Curvature of the rows seen, which `partial_fit` needs.
    n_features_in_ : int
        Features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    Examples
    --------
    >>> from sklmeta.gradient import MetaSVR
    >>> reg = MetaSVR(epsilon=0.0, regularization=1e-9).fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    >>> reg.predict([[3.0]]).round(3)
    array([7.])
    """

    _model = "svm"

    def __init__(
        self,
        init: MetaInit | None = None,
        *,
        kernel: str | None = None,
        gamma: float | str | None = None,
        n_components: int | None = None,
        epsilon: float | None = None,
        regularization: float | None = None,
        n_steps: int | None = None,
        inner_rate: float | None = None,
        fit_intercept: bool | None = None,
        random_state: Any = None,
    ):
        self.init = init
        self.kernel = kernel
        self.gamma = gamma
        self.n_components = n_components
        self.epsilon = epsilon
        self.regularization = regularization
        self.n_steps = n_steps
        self.inner_rate = inner_rate
        self.fit_intercept = fit_intercept
        self.random_state = random_state


class MetaMLPRegressor(_MetaRegressor):
    """Multilayer perceptron that adapts a meta-learned start to a regression by a few gradient steps [1]_.

    Without init it starts from random weights and standardises X and y by the data, and Adam trains it on all
    rows at once.

    Parameters
    ----------
    init : MetaInit or None, default=None
        What `meta_train` learned with ``model="mlp"`` on regressions.
    n_steps : int or None, default=None
        Full-batch steps of a `fit` or `partial_fit`. None: the init's, or 300 without one.
    inner_rate : float or None, default=None
        Rate of the steps. None: the init's, one a parameter, or 0.01 without init.
    hidden_layer_sizes : tuple of int or None, default=None
        Width of the hidden layers. None: the init's, or (40, 40) without one.
    activation : {"relu", "tanh"} or None, default=None
        Of the hidden layers. None: the init's, or relu without one.
    random_state : int, RandomState instance or None, default=None
        Draws initial weights without init; an init brings its own.

    Attributes
    ----------
    parameters_ : ndarray of shape (n_parameters,)
        Adapted parameters: each layer's weights by rows, then its intercepts.
    adapter_ : TaskAdapter
        How they came about.
    n_features_in_ : int
        Features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    References
    ----------
    .. [1] C. Finn, P. Abbeel, S. Levine (2017). Model-agnostic meta-learning for fast adaptation of deep
           networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklmeta.gradient import MetaMLPRegressor
    >>> X = np.linspace(-2, 2, 50)[:, None]
    >>> reg = MetaMLPRegressor(random_state=0).fit(X, np.abs(X[:, 0]))
    >>> bool(reg.score(X, np.abs(X[:, 0])) > 0.95)
    True
    """

    _model = "mlp"

    def __init__(
        self,
        init: MetaInit | None = None,
        *,
        n_steps: int | None = None,
        inner_rate: float | None = None,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        activation: str | None = None,
        random_state: Any = None,
    ):
        self.init = init
        self.n_steps = n_steps
        self.inner_rate = inner_rate
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.random_state = random_state


class MetaMLPClassifier(_Probabilistic):
    """Multilayer perceptron that adapts a meta-learned start to a classification by a few gradient steps [1]_.

    Without init it starts from random weights and standardises X by the data, and Adam trains it on all rows
    at once. With an init for classes that each task has for itself, a body learned across tasks gets a head
    for the classes in y: the task adapter.

    Parameters
    ----------
    init : MetaInit or None, default=None
        What `meta_train` learned with ``model="mlp"`` on classifications. If it knows all labels, they are
        `classes_`, and y may lack some.
    n_steps : int or None, default=None
        Full-batch steps of a `fit` or `partial_fit`. None: the init's, or 300 without one.
    inner_rate : float or None, default=None
        Rate of the steps. None: the init's, one a parameter, or 0.01 without init.
    hidden_layer_sizes : tuple of int or None, default=None
        Width of the hidden layers. None: the init's, or (40, 40) without one.
    activation : {"relu", "tanh"} or None, default=None
        Of the hidden layers. None: the init's, or relu without one.
    random_state : int, RandomState instance or None, default=None
        Draws initial weights without init; an init brings its own.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    parameters_ : ndarray of shape (n_parameters,)
        Adapted parameters: each layer's weights by rows, then its intercepts.
    adapter_ : TaskAdapter
        How they came about.
    n_features_in_ : int
        Features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    References
    ----------
    .. [1] C. Finn, P. Abbeel, S. Levine (2017). Model-agnostic meta-learning for fast adaptation of deep
           networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklmeta.gradient import MetaMLPClassifier
    >>> X = np.linspace(-2, 2, 50)[:, None]
    >>> clf = MetaMLPClassifier(random_state=0).fit(X, np.abs(X[:, 0]) > 1)
    >>> bool(clf.score(X, np.abs(X[:, 0]) > 1) > 0.9)
    True
    """

    _model = "mlp"

    def __init__(
        self,
        init: MetaInit | None = None,
        *,
        n_steps: int | None = None,
        inner_rate: float | None = None,
        hidden_layer_sizes: tuple[int, ...] | None = None,
        activation: str | None = None,
        random_state: Any = None,
    ):
        self.init = init
        self.n_steps = n_steps
        self.inner_rate = inner_rate
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.random_state = random_state
