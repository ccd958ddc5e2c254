import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from _knowledge import made_up_frames, made_up_knowledge, rich_knowledge
from sklearn.base import BaseEstimator, clone

from sklmeta import Configuration, KnowledgeBase
from sklmeta.knowledge import Evaluation

A, B = Configuration("svc", {"C": 1.0}), Configuration("lda")


def evaluations():
    return [
        Evaluation("t1", A, scores={"accuracy": 0.9}, standard_errors={"accuracy": 0.01}, fit_seconds=1.0),
        Evaluation("t2", B, status="timeout", reason="over 60 s"),
        Evaluation("t1", B, scores={"accuracy": 0.8, "roc_auc": 0.7}, score_seconds=0.1),
    ]


# -- making one ----------------------------------------------------------------------------------------------------


def test_from_evaluations_puts_each_value_into_its_cell():
    kb = KnowledgeBase.from_evaluations(evaluations(), task_type="classification", info={"cv": 3})
    assert kb.tasks == ("t1", "t2")
    assert kb.configurations == (A, B)
    assert kb.metrics == ("accuracy", "roc_auc")
    np.testing.assert_array_equal(kb.scores("accuracy"), [[0.9, 0.8], [np.nan, np.nan]])
    np.testing.assert_array_equal(kb.scores("roc_auc"), [[np.nan, 0.7], [np.nan, np.nan]])
    np.testing.assert_array_equal(kb.standard_errors("accuracy"), [[0.01, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(kb.status, [["ok", "ok"], ["missing", "timeout"]])
    np.testing.assert_array_equal(kb.fit_seconds, [[1.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(kb.score_seconds, [[np.nan, 0.1], [np.nan, np.nan]])
    assert kb.reasons == {("t2", B): "over 60 s"}
    assert (kb.task_type, kb.info, kb.families) == ("classification", {"cv": 3}, ("t1", "t2"))


def test_of_two_evaluations_the_later_one_counts():
    again = Evaluation("t1", A, status="failed", reason="killed")
    kb = KnowledgeBase.from_evaluations([*evaluations(), again])
    assert kb.status[0, 0] == "failed"
    assert np.isnan(kb.scores("accuracy")[0, 0])
    assert kb.reasons["t1", A] == "killed"


def test_from_evaluations_aligns_meta_features_families_and_provenance_by_task():
    M = pd.DataFrame({"log_rows": [7.0, 5.0]}, index=["other", "t1"])
    kb = KnowledgeBase.from_evaluations(
        evaluations(), M, families={"t2": "f", "other": "g"}, provenance={"t1": {"from": "x"}, "other": {}}
    )
    np.testing.assert_array_equal(kb.meta_features["log_rows"], [5.0, np.nan])
    assert kb.families == ("t1", "f")
    assert kb.provenance == {"t1": {"from": "x"}}


def test_meta_features_of_entirely_other_tasks_are_a_mistake():
    with pytest.raises(ValueError, match=r"None of the 2 tasks has a row in meta_features: tasks are \['t1', 't2'\]"):
        KnowledgeBase.from_evaluations(evaluations(), pd.DataFrame({"m": [1.0, 2.0]}))


def test_no_evaluations_make_an_empty_knowledge_base():
    kb = KnowledgeBase.from_evaluations([])
    assert len(kb) == 0
    assert repr(kb) == "KnowledgeBase(0 tasks, 0 configurations, metrics: none)"


def test_from_frames_aligns_rows_and_columns_in_any_order():
    M, Y = made_up_frames()
    rng = np.random.default_rng(3)
    shuffled = Y.iloc[rng.permutation(len(Y)), rng.permutation(Y.shape[1])]
    kb = KnowledgeBase.from_frames(M.iloc[::-1], {"accuracy": Y, "f1_macro": shuffled})
    np.testing.assert_array_equal(kb.scores("accuracy"), Y.to_numpy())
    np.testing.assert_array_equal(kb.scores("f1_macro"), Y.to_numpy())
    np.testing.assert_array_equal(kb.meta_features.to_numpy(), M.to_numpy())
    assert kb.tasks == tuple(Y.index)
    assert kb.configurations == tuple(Y.columns)


LABELS = [["a", "b"], [0, 1], [("w", 1), ("w", 2)], [frozenset("a"), frozenset("b")], [None, "b"], [1.5, "1.5"]]


@pytest.mark.parametrize("labels", LABELS, ids=repr)
def test_labels_of_any_hashable_type(labels):
    index = pd.Index(labels, tupleize_cols=False, dtype=object)
    Y = pd.DataFrame([[0.1, 0.2], [0.3, 0.4]], index=index, columns=index)
    M = pd.DataFrame([[2.0, 2.5], [1.0, 1.5]], index=index[::-1], columns=index)
    kb = KnowledgeBase.from_frames(M, {"accuracy": Y})
    assert kb.tasks == kb.families == tuple(labels)
    assert kb.configurations == tuple(map(Configuration, labels))
    np.testing.assert_array_equal(kb.scores("accuracy"), Y.to_numpy())
    np.testing.assert_array_equal(kb.meta_features.to_numpy(), [[1.0, 1.5], [2.0, 2.5]])
    assert list(kb.meta_features.columns) == labels
    np.testing.assert_array_equal(kb.exclude(tasks=labels[:1]).scores("accuracy"), [[0.3, 0.4]])
    assert kb.merge(kb) == kb


def test_pandas_own_missing_values_are_missing():
    Y = pd.DataFrame({"a": pd.array([0.5, None], dtype="Float64"), "b": [0.1, 0.2]})
    M = pd.DataFrame({"m": pd.array([None, 1], dtype="Int64")})
    kb = KnowledgeBase.from_frames(M, {"accuracy": Y})
    assert kb.status.tolist() == [["ok", "ok"], ["missing", "ok"]]
    np.testing.assert_array_equal(kb.meta_features["m"], [np.nan, 1.0])


def frame(rows=("a", "b"), columns=("x", "y"), values=0.5):
    return pd.DataFrame(values, index=list(rows), columns=list(columns))


@pytest.mark.parametrize(
    ("meta_features", "scores", "message"),
    [
        (None, {}, r"scores is empty; give at least one metric, such as {'accuracy': table}"),
        (None, {"m": frame("aa")}, r"two of task 'a' \(the second at position 1\)"),
        (None, {"m": frame(columns="xx")}, r"two of configuration 'x'"),
        (
            None,
            {"m": frame(), "k": frame("ac")},
            r"'k' has other tasks than the first table: missing \['b'\], extra \['c'",
        ),
        (
            None,
            {"m": frame(), "k": frame(columns="xz")},
            r"'k' has other configurations .*missing \['y'\], extra \['z'\]",
        ),
        (frame("ac"), {"m": frame()}, r"'meta_features' has other tasks than the first table"),
        (frame(columns="kk"), {"m": frame()}, r"two of meta-feature 'k'"),
        (frame(values="blue"), {"m": frame()}, r"Meta-feature 'x' is not numeric .*encode it or leave it out"),
        (None, {"m": frame(values=np.inf)}, r"scores of 'm' has inf at task 0, configuration 0\. Use NaN"),
        (None, {"m": frame(rows=[1.0, np.nan])}, r"The task at position 1 is nan"),
    ],
)
def test_from_frames_says_what_is_wrong(meta_features, scores, message):
    with pytest.raises(ValueError, match=message):
        KnowledgeBase.from_frames(meta_features, scores)


ONE = {"tasks": ["t"], "configurations": [A], "scores": {"m": [[0.5]]}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"scores": {"m": [[0.5, 0.6]]}},
            r"scores of 'm' has shape \(1, 2\); 1 tasks and 1 configurations need \(1, 1\)",
        ),
        ({"fit_seconds": [0.5]}, r"fit_seconds has shape \(1,\)"),
        ({"families": ["f", "g"]}, r"There are 1 tasks and 2 families; give one for each task"),
        ({"status": [[7]]}, r"values 0 to 3, which mean .*got shape \(1, 1\) and values \[7\]"),
        ({"status": [["ok"]]}, r"status must have shape \(1, 1\) and values 0 to 3"),
        ({"status": [[3]]}, r"Task 0, configuration 0 has a score, and its status is 'failed'; only 'ok'"),
        ({"standard_errors": {"k": [[0.1]]}}, r"standard errors of \['k'\], and scores only of \['m'\]"),
        ({"meta_features": frame()}, r"meta_features has 2 rows for 1 tasks"),
        ({"task_type": "clf"}, r"task_type must be 'classification', 'regression' or None, got 'clf'"),
    ],
)
def test_the_constructor_says_what_is_wrong(arguments, message):
    with pytest.raises(ValueError, match=message):
        KnowledgeBase(**{**ONE, **arguments})


# -- a part of it --------------------------------------------------------------------------------------------------


def test_from_frames_takes_families_as_the_constructor_does():
    M, Y = made_up_frames()
    given = [f"f{k % 2}" for k in range(len(Y))]
    for families in (given, np.array(given), pd.Series(given, index=Y.index), dict(zip(Y.index, given, strict=True))):
        assert KnowledgeBase.from_frames(M, {"accuracy": Y}, families=families).families == tuple(given)
    with pytest.raises(ValueError, match=r"There are \d+ tasks and 2 families; give one for each task"):
        KnowledgeBase.from_frames(M, {"accuracy": Y}, families=given[:2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"families": "fg"}, "families must be a mapping of task to family, a Series, or a sequence .*; got 'fg'"),
        ({"families": 3}, "families must be a mapping of task to family"),
        ({"scores": {"a": pd.Series([0.5])}}, r"scores\['a'\] must be a DataFrame, a row a task .*; got Series"),
        ({"scores": made_up_frames()[1]}, "scores must be a mapping such as .*, got DataFrame"),
        ({"meta_features": {"t": 1}}, "meta_features must be a DataFrame, .*; got dict"),
    ],
)
def test_from_frames_says_what_is_of_the_wrong_type(arguments, message):
    M, Y = made_up_frames()
    with pytest.raises(TypeError, match=message):
        KnowledgeBase.from_frames(**{"meta_features": M, "scores": {"accuracy": Y}, **arguments})


def test_merge_takes_knowledge_only():
    with pytest.raises(TypeError, match=r"merge takes a KnowledgeBase, got 'x'; KnowledgeBase\.load reads one"):
        made_up_knowledge().merge("x")


def test_select_keeps_cells_with_their_labels():
    kb = rich_knowledge()
    part = kb.select(tasks=["c", "a"], configurations=[kb.configurations[2], kb.configurations[0]])
    assert part.tasks == ("a", "c")
    assert part.configurations == (kb.configurations[0], kb.configurations[2])
    np.testing.assert_array_equal(part.scores("neg_log_loss"), kb.scores("neg_log_loss")[np.ix_([0, 2], [0, 2])])
    np.testing.assert_array_equal(part.standard_errors("accuracy"), kb.standard_errors("accuracy")[[0, 2]][:, [0, 2]])
    np.testing.assert_array_equal(part.status, kb.status[[0, 2]][:, [0, 2]])
    np.testing.assert_array_equal(part.fit_seconds, kb.fit_seconds[[0, 2]][:, [0, 2]])
    np.testing.assert_array_equal(part.meta_features, kb.meta_features.iloc[[0, 2]])
    assert list(part.meta_features.index) == ["a", "c"]
    assert part.reasons == {("a", kb.configurations[2]): "over 60 s"}
    assert part.provenance == {"a": {"from": "a paper"}}
    assert (part.families, part.task_type, part.info) == (("one", "two"), "classification", {"cv": 3})


def test_select_and_exclude_by_family():
    kb = rich_knowledge()
    assert kb.select(families=["two"]).tasks == ("b", "c")
    assert kb.select(tasks=["a", "b"], families=["two"]).tasks == ("b",)
    assert kb.exclude(families=["two"]).tasks == ("a", ("d", 1))
    assert kb.exclude(tasks=["a"], families=["two"]).tasks == (("d", 1),)
    assert kb.exclude(families=[("d", 0)]).tasks == ("a", "b", "c")


def test_select_and_exclude_without_arguments_keep_all():
    kb = rich_knowledge()
    assert kb.select() == kb == kb.exclude()


def test_select_and_exclude_split_the_tasks():
    kb = made_up_knowledge()
    named = kb.tasks[::3]
    assert set(kb.select(tasks=named).tasks) | set(kb.exclude(tasks=named).tasks) == set(kb.tasks)
    assert not set(kb.exclude(tasks=named).tasks) & set(named)


def test_a_name_twice_counts_once():
    assert rich_knowledge().select(tasks=["a", "a"]).tasks == ("a",)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"tasks": ["task_1"]}, r"The knowledge has no task 'task_1'; did you mean task1"),
        ({"tasks": ["zzz"]}, r"no task 'zzz'; it has 12 others"),
        ({"tasks": "task1"}, r"Expected a list of task labels, got the string 'task1'; pass \['task1'\]"),
        ({"families": ["tusk2"]}, r"no family 'tusk2'; did you mean task2"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(what, message):
    kb = made_up_knowledge()
    for method in (kb.select, kb.exclude):
        with pytest.raises(ValueError, match=message):
            method(**what)


def test_unknown_configurations_are_refused_with_the_nearest():
    message = r"no configuration Configuration\('lad'\); did you mean Configuration\('lda'\)"
    with pytest.raises(ValueError, match=message):
        rich_knowledge().select(configurations=[Configuration("lad")])


def test_an_unknown_metric_is_refused_with_the_known():
    with pytest.raises(ValueError, match=r"no metric 'acc'; it has accuracy, neg_log_loss"):
        rich_knowledge().scores("acc")


# -- two together --------------------------------------------------------------------------------------------------


def test_merging_the_parts_gives_the_whole():
    kb = rich_knowledge()
    for tasks in (["a", "b"], ["a"], ["c", "b", "a"]):
        assert kb.select(tasks=tasks).merge(kb.exclude(tasks=tasks)).select(tasks=kb.tasks) == kb.select(
            tasks=tasks
        ).merge(kb.exclude(tasks=tasks))
    assert kb.select(tasks=["a", "b"]).merge(kb.exclude(tasks=["a", "b"])) == kb
    columns = kb.configurations
    apart = kb.select(configurations=columns[:1]).merge(kb.select(configurations=columns[1:]))
    assert apart.with_joint_errors(kb.joint_errors) == kb  # of those that were apart, no part knows them
    assert kb.merge(kb) == kb


def test_merge_takes_the_others_evaluation():
    first = KnowledgeBase.from_evaluations([Evaluation("t", A, scores={"r2": 0.1}, fit_seconds=1.0)])
    second = KnowledgeBase.from_evaluations([Evaluation("t", A, scores={"r2": 0.2}, fit_seconds=2.0)])
    merged = first.merge(second)
    assert merged.scores("r2").tolist() == [[0.2]]
    assert merged.fit_seconds.tolist() == [[2.0]]
    assert second.merge(first).scores("r2").tolist() == [[0.1]]


def test_merging_bare_scores_takes_no_family_and_no_seconds_away():
    about = {"t": "a family"}
    first = KnowledgeBase.from_evaluations(
        [Evaluation("t", A, scores={"r2": 0.1}, fit_seconds=1.0, score_seconds=0.5)], families=about
    )
    bare = KnowledgeBase.from_frames(None, {"mae": pd.DataFrame([[-3.0]], index=["t"], columns=[A])})
    for merged in (first.merge(bare), bare.merge(first)):
        assert merged.families == ("a family",)
        assert merged.fit_seconds.tolist() == [[1.0]]
        assert merged.score_seconds.tolist() == [[0.5]]
    other = KnowledgeBase.from_evaluations([Evaluation("t", A, scores={"r2": 0.1})], families={"t": "another"})
    assert first.merge(other).families == ("another",)
    stopped = KnowledgeBase.from_evaluations([Evaluation("t", A, status="timeout", reason="too slow")])
    assert np.isnan(first.merge(stopped).fit_seconds).all()


@pytest.mark.parametrize("families", [{"1": "a", "2": "a"}, pd.Series({"1": "a"})])
def test_families_of_no_task_are_refused(families):
    scores = pd.DataFrame({"svc": [0.9, 0.8]}, index=[1, 2])
    with pytest.raises(ValueError, match=r"families are of \['1'.*\], none of which is a task; the tasks are \[1, 2\]"):
        KnowledgeBase.from_frames(None, {"accuracy": scores}, families=families)
    assert KnowledgeBase.from_frames(None, {"accuracy": scores}, families={}).families == (1, 2)


def test_what_describes_knowledge_is_as_a_file_holds_it(tmp_path):
    about = {"shape": (10, 2), "n": {1: np.int64(2)}}
    kb = KnowledgeBase(["t"], [A], {"r2": np.array([[0.9]])}, info=about, provenance={"t": about})
    assert kb.info == kb.provenance["t"] == {"shape": [10, 2], "n": {"1": 2}}
    kb.save(tmp_path / "kb.zip")
    assert KnowledgeBase.load(tmp_path / "kb.zip") == kb
    for what, message in (({"info": {(1, 2): 3}}, "info is"), ({"provenance": {"t": {(1,): 3}}}, r"provenance\['t'\]")):
        with pytest.raises(ValueError, match=f"{message}.*which no file can hold as JSON: keys must be str"):
            KnowledgeBase(["t"], [A], {"r2": np.array([[0.9]])}, **what)


def test_merge_keeps_a_metric_that_only_one_recorded():
    first = KnowledgeBase.from_evaluations(
        [Evaluation("t", A, scores={"r2": 0.1}, standard_errors={"r2": 0.01}), Evaluation("u", A, scores={"r2": 0.3})]
    )
    second = KnowledgeBase.from_evaluations([Evaluation("t", A, scores={"mae": -2.0})])
    elsewhere = KnowledgeBase.from_evaluations([Evaluation("v", A, scores={"r2": 0.4})])
    mixed = first.merge(second.merge(elsewhere))  # has the metric, and not here
    np.testing.assert_array_equal(mixed.scores("r2"), [[0.1], [0.3], [0.4]])
    merged = first.merge(second)
    np.testing.assert_array_equal(merged.scores("r2"), [[0.1], [0.3]])
    np.testing.assert_array_equal(merged.standard_errors("r2"), [[0.01], [np.nan]])
    np.testing.assert_array_equal(merged.scores("mae"), [[-2.0], [np.nan]])


def test_merge_forgets_reasons_and_scores_that_no_longer_hold():
    failed = KnowledgeBase.from_evaluations([Evaluation("t", A, status="failed", reason="boom")])
    fine = KnowledgeBase.from_evaluations([Evaluation("t", A, scores={"r2": 0.2})])
    assert failed.merge(fine).reasons == {}
    assert failed.merge(fine).status.tolist() == [["ok"]]
    assert fine.merge(failed).reasons == {("t", A): "boom"}
    assert np.isnan(fine.merge(failed).scores("r2")).all()


def test_what_the_other_never_evaluated_changes_nothing():
    kb = rich_knowledge()
    nothing = KnowledgeBase(kb.tasks, kb.configurations, {}, families=kb.families)
    assert kb.merge(nothing) == kb


def test_merge_unites_meta_features():
    first = KnowledgeBase.from_frames(frame("ab", "xy", 1.0), {"m": frame("ab")})
    second = KnowledgeBase.from_frames(frame("bc", "yz", [[2.0, np.nan], [3.0, 4.0]]), {"m": frame("bc")})
    expected = pd.DataFrame(
        {"x": [1.0, 1.0, np.nan], "y": [1.0, 2.0, 3.0], "z": [np.nan, np.nan, 4.0]}, index=list("abc")
    )
    pd.testing.assert_frame_equal(first.merge(second).meta_features, expected, check_index_type=False)


def test_merged_knowledge_says_what_measured_it():
    def about(**info):
        return KnowledgeBase.from_evaluations(evaluations(), task_type="classification", info=info)

    new, old = about(**{"scikit-learn": "1.9.1", "protocol": {"cv": 3}}), about(**{"scikit-learn": "1.8.0, 1.7.2"})
    assert new.merge(old).info == {"scikit-learn": "1.7.2, 1.8.0, 1.9.1", "protocol": {"cv": 3}}
    assert new.merge(about(protocol={"cv": 3})).info == new.info
    assert "protocol" not in new.merge(about(protocol={"cv": 5})).info
    assert about().merge(about()).info == {}


def test_merging_other_task_types_is_refused():
    kb, other = made_up_knowledge(), KnowledgeBase(**ONE, task_type="regression")
    with pytest.raises(ValueError, match="Cannot merge knowledge about classification with knowledge about regression"):
        kb.merge(other)
    assert kb.merge(KnowledgeBase(**ONE)).task_type == "classification"


# -- a value -------------------------------------------------------------------------------------------------------


class Holder(BaseEstimator):
    def __init__(self, knowledge=None):
        self.knowledge = knowledge


def test_clones_and_copies_share_it():
    kb = rich_knowledge()
    assert clone(kb) is kb
    assert copy.copy(kb) is kb
    assert copy.deepcopy({"kb": kb})["kb"] is kb
    assert clone(Holder(kb)).knowledge is kb


def arrays(kb):
    return [
        kb.status,
        kb.status_codes,
        kb.fit_seconds,
        kb.score_seconds,
        kb.scores("accuracy"),
        kb.standard_errors("accuracy"),
    ]


@pytest.mark.parametrize("make", [lambda kb: kb, lambda kb: pickle.loads(pickle.dumps(kb)), lambda kb: kb.select()])
def test_its_arrays_are_write_protected(make):
    for array in arrays(make(rich_knowledge())):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, np.float32("nan")], ids=repr)
def test_a_task_without_a_family_is_its_own(missing):
    kb = KnowledgeBase(["s", "t", "u"], [A], {"m": [[0.5]] * 3}, families=[missing, missing, ("f", None)])
    assert kb.families == ("s", "t", ("f", None))


def test_families_may_be_a_series():
    scores = pd.DataFrame({"svc": [0.9, 0.8, 0.7]}, index=["s", "t", "u"])
    families = pd.Series({"t": "f", "s": np.nan})
    assert KnowledgeBase.from_frames(None, {"m": scores}, families=families).families == ("s", "f", "u")
    evaluations = [Evaluation(task, A, scores={"m": 0.5}) for task in "stu"]
    assert KnowledgeBase.from_evaluations(evaluations, families=families).families == ("s", "f", "u")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fit_seconds": [[-1.0]]}, "fit_seconds has .*-1.0.*; seconds are not negative"),
        ({"score_seconds": [[-0.5]]}, "score_seconds has"),
        ({"provenance": {"u": {}}}, "provenance of 'u', which is none of the 1 tasks"),
        ({"reasons": {("u", A): "no"}}, "reason for .*'u'"),
        ({"reasons": {("t", B): "no"}}, "reason for .*lda"),
    ],
)
def test_what_is_of_nothing_known_or_negative_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        KnowledgeBase(["t"], [A], {"m": [[0.5]]}, **arguments)


def test_what_is_equal_hashes_alike_whatever_the_order_of_metrics():
    one = KnowledgeBase(["t"], [A], {"m": [[0.5]], "n": [[0.6]]})
    other = KnowledgeBase(["t"], [A], {"n": [[0.6]], "m": [[0.5]]})
    assert one == other
    assert hash(one) == hash(other)
    measured = [Evaluation("t", A, scores=scores) for scores in ({"m": 0.5, "n": 0.6}, {"n": 0.6, "m": 0.5})]
    assert measured[0] == measured[1]
    assert hash(measured[0]) == hash(measured[1])


def test_what_went_in_or_came_out_can_change_without_it():
    values, M = np.array([[0.5]]), pd.DataFrame({"m": [1.0]})
    info, families, provenance = {"cv": 3, "protocol": {"cv": 3}}, ["f"], {"t": {"from": "x", "rows": [1]}}
    kb = KnowledgeBase(["t"], [A], {"m": values}, meta_features=M, info=info, families=families, provenance=provenance)
    before = pickle.loads(pickle.dumps(kb))
    values[0, 0], M.loc[0, "m"], info["cv"], families[0], provenance["t"]["from"] = 9, 9, 9, 9, 9
    info["protocol"]["cv"], provenance["t"]["rows"][0] = 9, 9
    kb.info["cv"] = kb.info["protocol"]["cv"] = kb.provenance["t"]["from"] = kb.provenance["t"]["rows"][0] = 8
    copied = kb.meta_features
    copied.iloc[0, 0] = 8
    kb.reasons["x"] = 8
    assert kb == before


def test_pickle_equality_and_hash():
    kb = rich_knowledge()
    again = pickle.loads(pickle.dumps(kb))
    assert again == kb
    assert hash(again) == hash(kb)
    assert kb != kb.exclude(tasks=["a"])
    assert kb != "knowledge"


@pytest.mark.parametrize(
    "change", [{"scores": {"m": [[0.6]]}}, {"families": ["f"]}, {"info": {"cv": 3}}, {"fit_seconds": [[1.0]]}]
)
def test_equality_sees_every_part(change):
    assert KnowledgeBase(**ONE) == KnowledgeBase(**ONE)
    assert KnowledgeBase(**{**ONE, **change}) != KnowledgeBase(**ONE)


def test_representations_count():
    kb = rich_knowledge()
    assert repr(kb) == "KnowledgeBase(classification, 4 tasks, 3 configurations, metrics: accuracy, neg_log_loss)"
    assert len(kb) == 4
    html = kb._repr_html_()
    assert "<td>4 of 3 families</td>" in html
    assert "<tr><th>timeout</th><td>1</td></tr>" in html


def test_html_escapes_labels():
    assert "<script>" not in KnowledgeBase(["t"], [A], {"<script>": [[1.0]]})._repr_html_()


def test_labels_of_configurations_may_be_numpys(tmp_path):
    configurations = [Configuration(i) for i in np.array([10, 20])]
    kb = KnowledgeBase(["t"], configurations, {"m": np.array([[0.9, 0.1]])})
    kb.save(tmp_path / "k.zip")
    assert KnowledgeBase.load(tmp_path / "k.zip") == kb
    assert KnowledgeBase.load(tmp_path / "k.zip").configurations == (Configuration(10), Configuration(20))
