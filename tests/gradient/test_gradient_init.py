import copy
import json
import pickle
import zipfile
from contextlib import suppress
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklmeta.exceptions import KnowledgeFormatError
from sklmeta.gradient import Episode, MetaInit, MetaLinearRegressor, MetaMLPRegressor, MetaSVC, meta_train


def linear_task(rng, centre=(1.0, -2.0), n_rows=20):
    X = rng.normal(size=(n_rows, 2))
    return X, X @ (centre + 0.1 * rng.normal(size=2)) + 3 + 0.1 * rng.normal(size=n_rows)


@pytest.fixture(scope="module")
def tasks():
    rng = np.random.default_rng(0)
    return [linear_task(rng) for _ in range(20)]


@pytest.fixture(scope="module")
def init(tasks):
    return meta_train(tasks, model="linear", algorithm="imaml", max_iter=50, random_state=0)


@pytest.fixture(scope="module")
def mlp_init(tasks):
    return meta_train(tasks, hidden_layer_sizes=(8,), max_iter=30, random_state=0)


def label_init():
    X, y = load_digits(return_X_y=True)
    labels = np.array(["even", "odd"])[y % 2]
    tasks = [(X[i : i + 60], labels[i : i + 60]) for i in range(0, 600, 60)]
    return meta_train(tasks, model="svm", algorithm="imaml", kernel="rbf", n_components=30, max_iter=5)


def test_it_shares_itself_and_cannot_be_changed(init):
    assert clone(MetaLinearRegressor(init=init)).init is init
    assert copy.deepcopy(init) is init
    with pytest.raises(ValueError, match="read-only"):
        init.weights[0] = 1
    with pytest.raises(AttributeError):
        init.n_steps = 3
    with pytest.raises(TypeError, match="does not support item assignment"):
        init.provenance["n_tasks"] = 0


def test_a_pickled_init_is_equal_and_still_read_only(init, mlp_init):
    again = pickle.loads(pickle.dumps(init))
    assert again == init
    assert hash(again) == hash(init)
    assert not again.weights.flags.writeable
    assert init != mlp_init


@pytest.mark.parametrize("which", ["linear", "mlp", "labels"])
def test_what_is_saved_is_loaded(which, init, mlp_init, tmp_path):
    saved = {"linear": init, "mlp": mlp_init}[which] if which != "labels" else label_init()
    saved.save(tmp_path / "init.zip")
    loaded = MetaInit.load(tmp_path / "init.zip")
    assert loaded == saved
    assert loaded.history.keys() == saved.history.keys()


def test_a_saved_init_predicts_the_same(tmp_path):
    init = label_init()
    init.save(tmp_path / "init.zip")
    X, y = load_digits(return_X_y=True)
    y = np.array(["even", "odd"])[y % 2]
    models = [MetaSVC(init=i).fit(X[:50], y[:50]) for i in (init, MetaInit.load(tmp_path / "init.zip"))]
    np.testing.assert_array_equal(*(model.decision_function(X) for model in models))


def test_a_file_holds_no_pickle(init, tmp_path):
    init.save(tmp_path / "init.zip")
    with zipfile.ZipFile(tmp_path / "init.zip") as archive:
        assert {name.rsplit(".")[-1] for name in archive.namelist()} == {"json", "npy"}


def test_names_of_columns_are_learned_kept_and_asked_for(tasks, tmp_path):
    frames = [(pd.DataFrame(X, columns=["a", "b"]), y) for X, y in tasks]
    named = meta_train(frames, model="linear", algorithm="average")
    assert named.feature_names == ("a", "b")
    named.save(tmp_path / "init.zip")
    assert MetaInit.load(tmp_path / "init.zip") == named == pickle.loads(pickle.dumps(named))
    X, y = frames[0]
    swapped = "has the column 'b' where 'a' was expected, 'a' where 'b' was expected: give every task the same columns"
    with pytest.raises(ValueError, match=f"Task 0 {swapped}"):
        named.update((X[["b", "a"]], y))
    with pytest.raises(ValueError, match=f"Among the validation tasks: Task 0 {swapped}"):
        meta_train(frames, model="linear", algorithm="average", validation_tasks=[(X[["b", "a"]], y)])
    for method in ("fit", "partial_fit"):
        with pytest.raises(ValueError, match=f"X {swapped}"):
            getattr(MetaLinearRegressor(init=named), method)(X[["b", "a"]], y)
        for rows in (X, X.to_numpy(), pd.DataFrame(X.to_numpy())):
            getattr(MetaLinearRegressor(init=named), method)(rows, y)


def test_a_file_without_names_of_columns_is_loaded(init, tmp_path):
    init.save(tmp_path / "init.zip")
    with zipfile.ZipFile(tmp_path / "init.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(files["init.json"])
    assert described.pop("feature_names") is None
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        for name, content in {**files, "init.json": json.dumps(described)}.items():
            archive.writestr(name, content)
    assert MetaInit.load(tmp_path / "old.zip") == init


def test_a_foreign_damaged_or_newer_file_says_so(init, tmp_path):
    path = tmp_path / "init.zip"
    path.write_bytes(b"not a zip")
    with pytest.raises(KnowledgeFormatError, match=r"no file that MetaInit.save wrote, or is damaged"):
        MetaInit.load(path)
    init.save(path)
    with zipfile.ZipFile(path) as archive:
        text = archive.read("init.json").decode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("init.json", text.replace('"format": 1', '"format": 2'))
    with pytest.raises(KnowledgeFormatError, match="has format 2; this version of sklmeta reads format 1"):
        MetaInit.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("init.json", text)
    with pytest.raises(KnowledgeFormatError, match="is damaged"):
        MetaInit.load(path)


def test_learned_weights_survive_pipeline_cross_validation_and_grid_search(tasks):
    init = meta_train(tasks, model="linear", algorithm="imaml", max_iter=200, random_state=0)
    rng = np.random.default_rng(1)
    X, y = linear_task(rng, n_rows=30)
    pipeline = make_pipeline(FunctionTransformer(), MetaLinearRegressor(init=init, regularization=1e6))
    blank = make_pipeline(FunctionTransformer(), MetaLinearRegressor(regularization=1e6))
    assert cross_val_score(pipeline, X, y, cv=3).min() > 0.9
    assert cross_val_score(blank, X, y, cv=3).max() < 0.1
    search = GridSearchCV(pipeline, {"metalinearregressor__regularization": [1.0, 1e6]}, cv=3).fit(X, y)
    assert search.best_estimator_[-1].init is init
    assert search.best_score_ > 0.9
    inits = GridSearchCV(MetaLinearRegressor(regularization=1e6), {"init": [None, init]}, cv=3).fit(X, y)
    assert inits.best_params_["init"] is init


def test_an_average_updated_task_by_task_equals_the_average_of_all(tasks):
    whole = meta_train(tasks, model="linear", algorithm="average", scale=False)
    online = meta_train(tasks[:3], model="linear", algorithm="average", scale=False)
    for task in tasks[3:]:
        online = online.update(task)
    np.testing.assert_allclose(online.weights, whole.weights, rtol=1e-9)
    assert online.provenance["n_updates"] == 17


def test_an_update_leaves_the_old_value_and_nears_the_new_tasks(mlp_init):
    rng = np.random.default_rng(5)
    before = mlp_init.weights.copy()
    far = [linear_task(rng, centre=(-3.0, 4.0)) for _ in range(10)]
    moved = mlp_init
    for seed in range(40):
        moved = moved.update(far, rate=0.05, random_state=seed)
    np.testing.assert_array_equal(mlp_init.weights, before)
    X, y = linear_task(rng, centre=(-3.0, 4.0), n_rows=200)
    errors = [np.square(MetaMLPRegressor(init=i).fit(X[:5], y[:5]).predict(X) - y).mean() for i in (mlp_init, moved)]
    assert errors[1] < 0.5 * errors[0]


def test_an_update_of_a_biased_model_moves_centre_and_strength(init):
    rng = np.random.default_rng(0)
    moved = init.update(linear_task(rng, centre=(5.0, 5.0)), rate=0.1, random_state=0)
    assert moved.regularization < init.regularization  # a task so far away wants to be held less
    assert not np.array_equal(moved.weights, init.weights)
    assert moved.update(Episode([[0.0, 1.0]], [1.0], [[1.0, 0.0]], [0.0])) != moved


def test_weights_of_the_wrong_length_say_what_the_network_needs(init):
    with pytest.raises(ValueError, match=r"weights has shape \(2,\); a network of sizes \(2, 1\) needs \(3,\)"):
        replace(init, weights=np.zeros(2))
    with pytest.raises(ValueError, match="weights hold NaN or infinity: training diverged"):
        replace(init, weights=np.full(3, np.nan))


def test_options_that_are_numpy_numbers_are_saved_too(tasks, tmp_path):
    init = meta_train(tasks, hidden_layer_sizes=np.array([3]), n_steps=np.int64(2), n_shots=np.int32(3), max_iter=2)
    init.save(tmp_path / "init.zip")
    assert MetaInit.load(tmp_path / "init.zip") == init
    assert init.network.sizes == (2, 3, 1)


def test_a_transfer_init_with_a_blank_head_says_that_it_cannot_go_on():
    rng = np.random.default_rng(0)
    tasks = [(rng.normal(size=(8, 2)), [a, b] * 4) for a, b in ("ab", "cd")]
    init = meta_train(tasks, algorithm="transfer", hidden_layer_sizes=(4,), max_iter=2)
    with pytest.raises(ValueError, match="no head that a new task could teach: train it anew"):
        init.update(tasks[0])


def test_an_update_at_a_negative_rate_says_so(init, tasks):
    with pytest.raises(ValueError, match=r"rate=-1 must be a number that is not negative"):
        init.update(tasks[0], rate=-1)


def test_any_damage_is_called_that(init, tmp_path):
    path = tmp_path / "init.zip"
    init.save(path)
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        for byte in (0, 255):
            path.write_bytes(whole[:place] + bytes([byte]) + whole[place + 1 :])
            with suppress(KnowledgeFormatError):
                MetaInit.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("init.json", "[]")
    with pytest.raises(KnowledgeFormatError, match="is damaged"):
        MetaInit.load(path)


def test_a_failed_save_leaves_the_old_file(init, tmp_path, monkeypatch):
    path = tmp_path / "init.zip"
    init.save(path)
    monkeypatch.setattr("numpy.save", Mock(side_effect=OSError("No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        init.save(path)
    monkeypatch.undo()
    assert MetaInit.load(path) == init
    assert [p.name for p in tmp_path.iterdir()] == ["init.zip"]
