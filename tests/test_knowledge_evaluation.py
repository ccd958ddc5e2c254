import json
import math
import pickle

import numpy as np
import pytest

from sklmeta import Configuration
from sklmeta.knowledge import Evaluation

SVC = Configuration("svc", {"C": 1.0, "layers": (3, 4)})
OK = {"scores": {"accuracy": 0.9, "roc_auc": math.nan}}


def test_json_round_trip_is_one_line_without_bare_nan():
    one = Evaluation("iris", SVC, **OK, standard_errors={"accuracy": 0.01}, fit_seconds=0.5, n_rows=150)
    text = one.to_json()
    assert "\n" not in text
    json.loads(text, parse_constant=lambda bare: pytest.fail(f"bare {bare} in the line"))
    assert Evaluation.from_json(text) == one
    assert hash(Evaluation.from_json(text)) == hash(one)


def test_failures_round_trip_with_their_reason():
    one = Evaluation("iris", SVC, status="failed", reason="ValueError: two\nlines")
    assert Evaluation.from_json(one.to_json()) == one
    assert "\n" not in one.to_json()


@pytest.mark.parametrize("task", ["iris", 3, ("weka", 7), None, 2.5])
def test_plain_labels_survive_json(task):
    assert Evaluation.from_json(Evaluation(task, SVC, **OK).to_json()).task == task


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, np.float32("nan"), (1.0, (math.nan, math.inf))])
def test_parameters_that_are_no_finite_number_survive_json(value):
    one = Evaluation("iris", Configuration("svc", {"tol": value}), **OK)
    text = one.to_json()
    json.loads(text, parse_constant=lambda bare: pytest.fail(f"bare {bare} in the line"))
    again = Evaluation.from_json(text)
    assert again == one
    assert hash(again.configuration) == hash(one.configuration)
    assert pickle.loads(pickle.dumps(one)) == one


def test_numpy_numbers_become_plain_ones():
    one = Evaluation(np.int64(3), SVC, scores={"r2": np.float32(0.5)}, fit_seconds=np.float64(1), n_rows=np.int64(9))
    assert type(one.scores["r2"]) is float
    assert type(one.n_rows) is int
    assert Evaluation.from_json(one.to_json()) == one


def test_every_nan_is_equal():
    assert Evaluation("a", SVC, scores={"r2": np.float64("nan")}) == Evaluation("a", SVC, scores={"r2": math.nan})


def test_it_is_frozen_all_through():
    source = {"accuracy": 0.5}
    one = Evaluation("iris", SVC, scores=source)
    source["accuracy"] = 0.9
    assert one.scores["accuracy"] == 0.5
    with pytest.raises(TypeError):
        one.scores["accuracy"] = 1.0
    with pytest.raises(AttributeError):
        one.status = "failed"


def test_pickle():
    one = Evaluation("iris", SVC, **OK, versions={"scikit-learn": "1.6.1"})
    assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": "crashed"}, r"status must be one of \('ok', 'timeout', 'failed'\), got 'crashed' for task 'iris'"),
        ({}, "has scores exactly if its status is 'ok'; got status 'ok' and scores {} for task 'iris'"),
        ({"status": "failed", **OK}, "got status 'failed' and scores"),
        ({"scores": {"r2": -math.inf}}, "Scores must be finite, or NaN where undefined; got {'r2': -inf} for task"),
        ({**OK, "standard_errors": {"f1": 0.1}}, r"standard_errors has \['f1'\], which scores"),
        ({**OK, "standard_errors": {"accuracy": -0.1}}, "The standard error of 'accuracy' must be finite and not neg"),
        ({**OK, "fit_seconds": -1.0}, "fit_seconds must be finite and not negative, or NaN; got -1.0 for task 'iris'"),
        ({**OK, "score_seconds": math.inf}, "score_seconds must be finite"),
        ({**OK, "n_rows": -1}, "n_rows must be finite and not negative, or NaN; got -1"),
    ],
)
def test_nonsense_is_refused_with_its_values(arguments, message):
    with pytest.raises(ValueError, match=message):
        Evaluation("iris", SVC, **arguments)


@pytest.mark.parametrize("value", [{0: 1, 1: 5}, [[1, {2}]], np.ones(2)])
def test_a_parameter_that_is_not_hashable_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"parameter 'class_weight' of a configuration of 'svc' is .* not hashable"):
        Configuration("svc", {"C": 1.0, "class_weight": value})


def test_a_name_is_no_configuration():
    with pytest.raises(TypeError, match=r"must be a Configuration, got 'svc' for task 'iris'; wrap a name as"):
        Evaluation("iris", "svc", **OK)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "null", '{"task": 1', Evaluation("a", SVC, **OK).to_json()[:-9]])
def test_a_line_of_something_else_is_refused(text):
    with pytest.raises(ValueError, match=r"no line that Evaluation\.to_json wrote"):
        Evaluation.from_json(text)
