import numpy as np
import pandas as pd
import pytest

from sklmeta import Configuration
from sklmeta.integrations import read_aslib
from sklmeta.integrations.arff import read_arff
from sklmeta.integrations.description import read_description
from sklmeta.recommenders import NearestTasks, Portfolio

RUNTIME = """\
# a scenario of ASlib 2
scenario_id: 'SMALL''S: 1'
performance_measures:
- runtime        # seconds
- "PAR 10"
maximize: [false, false]
performance_type:
    - runtime
    - solution_quality
algorithm_cutoff_time: 100
algorithm_cutoff_memory: ?
metainfo_algorithms:
  fast one:
    configuration: '--mode [x] # no comment,
      over two lines'
    deterministic: true
  slow:
    configuration: ''
default_steps: [ALL]
feature_steps:
  ALL:
    provides: &all
    - size
    - density
  extra: {provides: [probing], requires: [ALL]}
features_deterministic: *all
features_stochastic:
number_of_feature_steps: 2
"""
RUNS = """\
% two solvers
@RELATION runs
@ATTRIBUTE instance_id STRING
@attribute repetition NUMERIC
@ATTRIBUTE algorithm {'fast one', slow}
@ATTRIBUTE runtime REAL
@ATTRIBUTE 'PAR 10' NUMERIC
@ATTRIBUTE runstatus {ok,timeout,memout,not_applicable,crash,other}
@DATA
'a,1', 1, 'fast one', 1.0, 1.0, ok
'a,1', 2, 'fast one', 3.0, 3.0, ok

'a,1', 1, slow, 10, 10, ok
'a,1', 2, slow, 100, 1000, timeout
"b\\"2", 1, "fast one", ?, 1000, memout
b"2, 1, slow, 5, ?, ok
c, 1, slow, 100, 1000, crash
"""
FEATURES = """\
@relation features
@attribute instance_id string
@attribute repetition numeric
@attribute size numeric
@attribute density numeric
@attribute probing numeric
@data
d,1,1,0.5,?
c,1,2,?,?
'a,1',1,3,0.5,1
'a,1',2,5,0.5,?
"""
COSTS = """\
@relation costs
@attribute instance_id string
@attribute repetition numeric
@attribute ALL numeric
@attribute extra numeric
@data
'a,1',1,0.5,2
'a,1',2,1.5,?
c,1,0.1,?
"""
STATUS = """\
@relation status
@attribute instance_id string
@attribute repetition numeric
@attribute ALL {ok, timeout, presolved, crash, other}
@attribute extra {ok, timeout, presolved, crash, other}
@data
'a,1',1,ok,ok
'a,1',2,ok,timeout
c,1,ok,?
"""
SPLITS = """\
@relation cv
@attribute instance_id string
@attribute repetition numeric
@attribute fold numeric
@data
'a,1',1,1
b"2,1,2
c,1,1
d,1,2
'a,1',2,2
b"2,2,2
c,2,1
d,2,1
"""
FILES = {
    "description.txt": RUNTIME,
    "algorithm_runs.arff": RUNS,
    "feature_values.arff": FEATURES,
    "feature_costs.arff": COSTS,
    "feature_runstatus.arff": STATUS,
    "cv.arff": SPLITS,
}
A, B, C, D = "a,1", 'b"2', "c", "d"
FAST, SLOW = Configuration("fast one"), Configuration("slow")


def written(folder, **changes):
    """The small scenario with some files changed (a stem by keyword) or, at None, left out."""
    for name, content in FILES.items():
        content = changes.get(name.split(".")[0], content)
        if content is not None:
            (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture
def scenario(tmp_path):
    return read_aslib(written(tmp_path))


# -- what comes of a scenario ------------------------------------------------------------------------------------------


def test_instances_are_tasks_and_algorithms_configurations(scenario):
    assert scenario.name == "SMALL'S: 1"
    assert scenario.knowledge.tasks == (A, B, C, D)
    assert scenario.knowledge.configurations == (FAST, SLOW)
    assert scenario.knowledge.info == {"scenario": "SMALL'S: 1", "negated": ["runtime", "PAR 10"]}


def test_minimised_measures_are_stored_negated_under_their_names(scenario):
    assert scenario.knowledge.metrics == ("runtime", "PAR 10")
    assert scenario.maximize == {"runtime": False, "PAR 10": False}
    nan = np.nan
    np.testing.assert_array_equal(scenario.knowledge.scores("runtime"), [[-2, nan], [nan, -5], [nan, nan], [nan, nan]])
    assert np.isnan(scenario.knowledge.scores("PAR 10")[1, 1])


def test_maximised_measures_stay_as_they_are(tmp_path):
    description = "performance_measures: [accuracy]\nmaximize: [true]\nperformance_type: [solution_quality]\n"
    runs = RUNS.replace("runtime REAL", "accuracy REAL")
    scenario = read_aslib(written(tmp_path, description=description, algorithm_runs=runs))
    assert scenario.knowledge.scores("accuracy")[0, 0] == 2
    assert scenario.maximize == {"accuracy": True}
    assert np.isnan(scenario.knowledge.fit_seconds).all()
    assert np.isnan(scenario.cutoff_seconds)
    assert scenario.name == tmp_path.name
    assert scenario.knowledge.info["negated"] == []


def test_statuses(scenario):
    assert scenario.knowledge.status.tolist() == [
        ["ok", "timeout"],
        ["failed", "ok"],
        ["missing", "failed"],
        ["missing", "missing"],
    ]
    assert scenario.knowledge.reasons == {(A, SLOW): "ok, timeout", (B, FAST): "memout", (C, SLOW): "crash"}


def test_repetitions_are_mean_and_standard_error(scenario):
    errors = scenario.knowledge.standard_errors("runtime")
    assert errors[0, 0] == pytest.approx(np.std([1, 3], ddof=1) / np.sqrt(2))
    assert np.isnan(errors.ravel()[1:]).all()


def test_a_runtime_is_seconds_too_also_of_stopped_runs(scenario):
    np.testing.assert_array_equal(
        scenario.knowledge.fit_seconds, [[2, 55], [np.nan, 5], [np.nan, 100], [np.nan, np.nan]]
    )
    assert scenario.cutoff_seconds == 100


def test_meta_features(scenario):
    expected = pd.DataFrame(
        {"size": [4, np.nan, 2, 1], "density": [0.5, np.nan, np.nan, 0.5], "probing": [1, np.nan, np.nan, np.nan]},
        index=[A, B, C, D],
    )
    pd.testing.assert_frame_equal(scenario.knowledge.meta_features, expected)


def test_feature_steps_their_costs_and_statuses(scenario):
    assert scenario.feature_steps == {"ALL": ("size", "density"), "extra": ("probing",)}
    assert scenario.feature_costs.loc[A].tolist() == [1.0, 2.0]
    assert scenario.feature_costs.loc[[B, D]].isna().all(axis=None)
    assert scenario.feature_costs.loc[C, "ALL"] == 0.1
    assert scenario.feature_status.loc[A].tolist() == ["ok", "timeout"]
    assert scenario.feature_status.loc[C, "ALL"] == "ok"
    assert list(scenario.feature_status.index) == [A, B, C, D]
    assert scenario.feature_status.loc[C:, "extra"].isna().all()


def test_the_splits_of_all_repetitions(scenario):
    assert scenario.splits == (((B, D), (A, C)), ((A, C), (B, D)), ((A, B), (C, D)), ((C, D), (A, B)))


def test_only_three_files_are_needed(tmp_path):
    folder = written(tmp_path, cv=None, feature_costs=None, feature_runstatus=None)
    scenario = read_aslib(str(folder))
    assert scenario.splits == ()
    assert scenario.feature_costs.shape == scenario.feature_status.shape == (4, 0)


def test_a_description_of_aslib_1(tmp_path):
    description = (
        "scenario_id: OLD-1\nperformance_measures: runtime, PAR 10\nmaximize: false,FALSE\n"
        "performance_type: runtime,runtime\nalgorithm_cutoff_time: 5e2\nfeature_step Pre: size, density\n"
    )
    scenario = read_aslib(written(tmp_path, description=description))
    assert scenario.feature_steps == {"Pre": ("size", "density")}
    assert scenario.cutoff_seconds == 500
    assert scenario.knowledge.scores("runtime")[0, 0] == -2


def test_recommenders_learn_from_it(scenario):
    for recommender in (Portfolio(), NearestTasks()):
        recommender.fit(scenario.knowledge, metric="runtime")
        picks = recommender.recommend(scenario.knowledge.meta_features.loc[D], n=2)
        assert {pick.configuration for pick in picks} == {FAST, SLOW}


def test_what_was_read_can_be_saved(scenario, tmp_path):
    scenario.knowledge.save(tmp_path / "knowledge.zip")
    assert scenario.knowledge.load(tmp_path / "knowledge.zip") == scenario.knowledge


# -- what is wrong with a scenario -------------------------------------------------------------------------------------


@pytest.mark.parametrize("stem", ["description", "algorithm_runs", "feature_values"])
def test_a_missing_file_is_named(stem, tmp_path):
    with pytest.raises(FileNotFoundError, match=stem):
        read_aslib(written(tmp_path, **{stem: None}))


@pytest.mark.parametrize(
    ("stem", "old", "new", "message"),
    [
        ("description", "maximize: [false, false]", "maximize: [false]", r"got performance_measures .* maximize \['f"),
        ("description", "maximize: [false, false]", "maximize: [false, maybe]", "'true' or 'false'"),
        ("description", "maximize: [false, false]", "", "must name performance_measures"),
        ("description", "maximize: [false, false]", "maximize: {a: b}", "expected text or a list"),
        ("description", "time: 100", "time: soon", "algorithm_cutoff_time must be a number or '[?]', got 'soon'"),
        ("algorithm_runs", "runtime REAL", "time REAL", "algorithm_runs.arff has no attribute 'runtime'"),
        (
            "algorithm_runs",
            "runtime REAL",
            "runtime STRING",
            "attribute 'runtime' must be numeric",
        ),
        ("algorithm_runs", "algorithm {", "solver {", "algorithm_runs.arff has no attribute 'algorithm'"),
        ("algorithm_runs", "100, 1000, crash", "100, 1000, ?", "line 17: runstatus must be one of ok, .* got None"),
        ("algorithm_runs", "100, 1000, crash", "inf, 1000, crash", "line 17: 'runtime' is infinite"),
        ("algorithm_runs", "c, 1, slow", "?, 1, slow", "line 17: 'instance_id' is missing"),
        ("algorithm_runs", "2, slow", "1, slow", "line 14: there is a line for .*'a,1'.* 'slow' already"),
        ("feature_values", "c,1,2", "d,1,2", "feature_values.arff, line 9: there is a line for"),
        (
            "feature_values",
            "density numeric",
            "density string",
            "attribute 'density' must be numeric",
        ),
        ("cv", "c,1,1", "e,1,1", "cv.arff, line 8: instance 'e' has neither runs nor meta-features"),
        ("cv", "fold numeric", "part numeric", "cv.arff has no attribute 'fold'"),
        ("cv", "c,1,1", "c,1,?", "cv.arff, line 8: 'fold' is missing"),
    ],
)
def test_contradictions_are_named(stem, old, new, message, tmp_path):
    content = next(content for name, content in FILES.items() if name.startswith(stem + "."))
    assert old in content
    with pytest.raises(ValueError, match=message):
        read_aslib(written(tmp_path, **{stem: content.replace(old, new, 1)}))


# -- ARFF --------------------------------------------------------------------------------------------------------------


def arff(folder, content):
    path = folder / "table.arff"
    path.write_text(content, encoding="utf-8")
    return path


def test_values_of_all_kinds(tmp_path):
    table = read_arff(
        arff(
            tmp_path,
            "\ufeff@Relation 'a b'\n"
            "@ATTRIBUTE 'with space' string\n@attribute\t\"double\"\tINTEGER\n@attribute kind{'x, y',z}\n"
            "@attribute it's real\n\n@Data\n% a comment\n"
            "'it\\'s, so', -1 , 'x, y', NaN\n\"?\",?,z,1e-3\n?,+2,?, ?\n",
        )
    )
    assert list(table.columns) == ["with space", "double", "kind", "it's"]
    assert table["with space"].tolist() == ["it's, so", "?", None]
    np.testing.assert_array_equal(table["double"], [-1, np.nan, 2])
    assert table["kind"].tolist() == ["x, y", "z", None]
    np.testing.assert_array_equal(table["it's"], [np.nan, 1e-3, np.nan])
    assert list(table.index) == [9, 10, 11]


def test_ids_stay_text(tmp_path):
    table = read_arff(arff(tmp_path, "@attribute id numeric\n@data\n007\n"), text=["id"])
    assert table["id"].tolist() == ["007"]


def test_no_rows(tmp_path):
    assert read_arff(arff(tmp_path, "@attribute a numeric\n@data\n")).shape == (0, 1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("@attribute a numeric\n", "no @data line"),
        ("a,b\n1,2\n", "line 1: expected @relation, @attribute or @data, got 'a,b'"),
        ("@data\n1\n", "line 1: .* no @attribute"),
        ("@attribute a date\n@data\n", "line 1: expected '@attribute name type'"),
        ("@attribute a\n@data\n", "line 1: expected '@attribute name type'"),
        ("@attribute a real\n@attribute a real\n@data\n", "line 2: attribute 'a' is declared twice"),
        ("@attribute a real\n@data\n1\n1,2\n", "line 4: expected 1 values, got 2: '1,2'"),
        ("@attribute a real\n@data\n{0 1}\n", "line 3: this is sparse ARFF"),
        ("@attribute a string\n@data\n'open\n", "line 3: a quote is not closed"),
        ("@attribute a string\n@data\n'a' b\n", "line 3: a quote is not closed, or text follows it"),
        ("@attribute a real\n@data\n1\nx\n", "line 4: 'a' is numeric, got 'x'"),
        ("@attribute a {x,y}\n@data\nz\n", "line 3: 'a' must be one of {x,y}, got 'z'"),
    ],
)
def test_wrong_arff_is_named_with_its_line(content, message, tmp_path):
    with pytest.raises(ValueError, match=rf"table\.arff.*{message}"):
        read_arff(arff(tmp_path, content))


def test_a_binary_file_is_no_arff(tmp_path):
    path = tmp_path / "table.arff"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        read_arff(path)


# -- descriptions ------------------------------------------------------------------------------------------------------


def described(folder, content):
    path = folder / "description.txt"
    path.write_text(content, encoding="utf-8")
    return read_description(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", {}),
        ("# nothing\n---\n", {}),
        ("a: 1\nb:\nc: ~\n", {"a": "1", "b": "", "c": ""}),
        ("url: http://x.y:80/z#part # comment\n", {"url": "http://x.y:80/z#part"}),
        ("a: 'it''s # so: x'\n", {"a": "it's # so: x"}),
        ('a: "tab\\there, \\"x\\"" # c\n', {"a": 'tab\there, "x"'}),
        ("a:\n- 1\n- 'x, y'\nb: 2\n", {"a": ["1", "x, y"], "b": "2"}),
        ("a:\n    - 1\n    -   - 2\n        - 3\n", {"a": ["1", ["2", "3"]]}),
        ("a:\n- b: 1\n  c: 2\n- b: 3\n", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a: [1, 'x, y', [], {b: c d}]\n", {"a": ["1", "x, y", [], {"b": "c d"}]}),
        ("a: [1,\n  2,\n  3] # c\nb: 1\n", {"a": ["1", "2", "3"], "b": "1"}),
        ("a: one\n  two\n  # no\n  three\nb: 1\n", {"a": "one two three", "b": "1"}),
        ("a: 'one\n  two'\n", {"a": "one two"}),
        ("a: |\n  one\n  two\nb: >-\n  one\n  two\n", {"a": "one\ntwo", "b": "one two"}),
        ("a: &x\n- 1\nb: *x\nc: &y z\nd: *y\n", {"a": ["1"], "b": ["1"], "c": "z", "d": "z"}),
        ("'a: b': 1\n\"c\": 2\nd e: 3\n", {"a: b": "1", "c": "2", "d e": "3"}),
        ("a:\n  b:\n    c: 1\n  d: 2\n", {"a": {"b": {"c": "1"}, "d": "2"}}),
    ],
)
def test_descriptions_are_understood(content, expected, tmp_path):
    assert described(tmp_path, content) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "line 1: expected 'key: value'"),
        ("a: 1\nnonsense\n", "line 2: expected 'key: value', got 'nonsense'"),
        ("a: 1\nb: [1, 2\nc: 3\n", "line 2: expected a closing bracket"),
        ("a: 1\nb: [1 2}\nc: 3\n", r"line 2: expected \[a, list\]"),
        ("a: [1, {b 2}]\n", r"line 1: expected \[a, list\]"),
        ("a: [1, , 2]\n", r"line 1: expected \[a, list\]"),
        ("a: 'open\nb: 1\n", "line 1: expected a closing quote"),
        ("a: 1\nb: *x\n", r"line 2: expected an anchor &x before \*x"),
        ("a:\n    b: 1\n  c: 1\n", "line 3: expected"),
        ("  a: 1\n", "line 1: expected"),
        ("a:\n  b: 1\n  - c\n", "line 3: expected"),
    ],
)
def test_wrong_descriptions_are_named_with_their_line(content, message, tmp_path):
    with pytest.raises(ValueError, match=rf"description\.txt, {message}"):
        described(tmp_path, content)


def test_a_binary_file_is_no_description(tmp_path):
    (tmp_path / "description.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="no text in UTF-8"):
        read_description(tmp_path / "description.txt")
