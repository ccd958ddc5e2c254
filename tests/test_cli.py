import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.datasets import load_diabetes, load_iris

from sklmeta import KnowledgeBase, collect, load_knowledge
from sklmeta.cli import describe, main
from sklmeta.configuration import Configuration
from sklmeta.datasets import read_folder
from sklmeta.exceptions import TimeLimitExceeded
from sklmeta.knowledge import Evaluation

FEW = ["--configurations", "1", "--time-limit", "600"]


@pytest.fixture
def folder(tmp_path):
    tables = tmp_path / "tables"
    tables.mkdir()
    X, y = load_diabetes(return_X_y=True)
    frame = pd.DataFrame(X[:60], columns=list("abcdefghij"))
    frame.assign(target=y[:60]).to_csv(tables / "first.csv", index=False)
    frame.assign(target=-y[:60] / 7).to_csv(tables / "second.csv", index=False)
    X, y = load_iris(return_X_y=True)
    pd.DataFrame(X, columns=list("abcd")).assign(species=y).to_csv(tables / "flowers.csv", index=False)
    return tables


@pytest.fixture
def cheap(monkeypatch):
    """The catalogue's list cut to what fits in no time, in this process."""
    module = sys.modules["sklmeta.collecting"]
    real = module.default_configurations
    monkeypatch.setattr(
        module,
        "default_configurations",
        lambda task, n: [c for c in real(task, n) if c.estimator in ("ridge", "lda", "elastic_net", "gaussian_nb")],
    )
    monkeypatch.setattr(module, "call_with_limit", lambda function, *args, seconds: function(*args))


def build(folder, *more):
    return main(["knowledge", "build", str(folder), *FEW, *map(str, more)])


def one_line(capsys):
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_build_writes_what_collect_gives(folder, tmp_path, cheap, capsys):
    out = tmp_path / "kb.zip"
    assert build(folder, "--out", out, "--only", "first", "second", "--task", "regression", "--max-rows", 40) == 0
    found = KnowledgeBase.load(out)
    expected = collect(
        read_folder(folder, names=["first", "second"]),
        [Configuration("ridge", {"alpha": 1.0}), Configuration("elastic_net", {"alpha": 1.0, "l1_ratio": 0.5})],
        max_rows=40,
        time_limit=None,
    )
    assert found.tasks == expected.tasks == ("first", "second")
    assert found.configurations == expected.configurations
    np.testing.assert_allclose(found.scores("r2"), expected.scores("r2"))
    printed, progress = capsys.readouterr()
    assert len(progress.splitlines()) == 4
    assert progress.startswith("first 1/2 Configuration('ridge', alpha=1.0) ")
    assert "2 tasks, 2 configurations" in printed
    assert "ridge: 1 configurations, 100.0% ok" in printed
    assert re.match(rf"{re.escape(str(out))} \(\d+ kB\)", printed)


@pytest.mark.parametrize(
    ("content", "message"),
    [("a,target\n1,2\n1,2,3\n", "zz.csv cannot be read"), ("a,target\n" + "1,yes\n" * 9, "only one class is present")],
)
def test_a_broken_table_is_found_before_anything_is_measured(folder, tmp_path, cheap, capsys, content, message):
    (folder / "zz.csv").write_text(content)
    assert build(folder, "--out", tmp_path / "kb.zip", "--only", "first", "zz") == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*.journals"))


def test_build_goes_on_from_its_journals(folder, tmp_path, cheap, capsys):
    out = tmp_path / "kb.zip"
    assert build(folder, "--out", out, "--only", "first") == 0
    assert sorted(p.name for p in (tmp_path / "kb.zip.journals").iterdir()) == ["first.jsonl"]
    capsys.readouterr()
    assert build(folder, "--out", out, "--only", "first") == 0
    assert capsys.readouterr().err == "", "nothing is measured twice"
    assert build(folder, "--out", out, "--only", "first", "--checkpoint", tmp_path / "elsewhere") == 0
    assert (tmp_path / "elsewhere" / "first.jsonl").exists()


def test_build_from_what_is_measured_measures_nothing(folder, tmp_path, cheap, capsys):
    out, journals = tmp_path / "kb.zip", tmp_path / "journals"
    cut = ["--task", "regression", "--max-rows", 40, "--checkpoint", journals]
    finalists = ["--joint", 2, "--finalists", 2, "--finalist-rows", 50]
    assert build(folder, "--out", out, *cut, "--only", "first", "--configurations", 2, *finalists) == 0
    assert build(folder, "--out", out, *cut, "--only", "second") == 0
    capsys.readouterr()
    assert build(folder, "--out", out, *cut, "--configurations", "measured", *finalists) == 0
    assert capsys.readouterr().err == ""
    kb = KnowledgeBase.load(out)
    assert kb.tasks == ("first", "second", "first, 50 rows")
    assert len(kb.configurations) == 2
    assert (kb.status[:2] == "ok").all()
    assert kb.joint_errors.tasks == ("first",)
    assert len(kb.joint_errors.configurations) == 1, "the other finalist was not measured on the second table"
    assert build(folder, "--out", out, "--checkpoint", tmp_path, "--configurations", "measured") == 2
    assert "0 journals" in one_line(capsys)


def test_build_measures_again_what_a_lower_limit_stopped(folder, tmp_path, cheap, monkeypatch, capsys):
    def only_ridge(function, estimator, *args, seconds):
        if "ElasticNet" in repr(estimator):
            raise TimeLimitExceeded(f"stopped after {seconds:g} seconds")
        return function(estimator, *args)

    module, out = sys.modules["sklmeta.collecting"], tmp_path / "kb.zip"
    these = ["--only", "first", "--joint", 2, "--max-rows", 40, "--finalists", 2, "--finalist-rows", 50]
    in_time = module.call_with_limit
    monkeypatch.setattr(module, "call_with_limit", only_ridge)
    assert build(folder, "--out", out, *these, "--time-limit", 5) == 0
    assert "50.0% timeout" in capsys.readouterr().out
    monkeypatch.setattr(module, "call_with_limit", in_time)
    assert build(folder, "--out", out, *these, "--configurations", "measured") == 0
    printed, progress = capsys.readouterr()
    assert "50.0% timeout" in printed
    assert progress == "", "nothing is measured where only what is measured was asked for"
    assert build(folder, "--out", out, *these) == 0
    printed, progress = capsys.readouterr()
    assert "timeout" not in printed
    assert "ElasticNet" not in progress
    assert "elastic_net" in progress


def test_build_measures_finalists_again(folder, tmp_path, cheap, capsys):
    out = tmp_path / "kb.zip"
    more = ["--only", "first", "second", "--max-rows", 40, "--joint", 1, "--finalists", 1, "--finalist-rows", 50]
    assert build(folder, "--out", out, *more) == 0
    kb = KnowledgeBase.load(out)
    assert kb.tasks == ("first", "second", "first, 50 rows", "second, 50 rows")
    assert "larger parts of 2 of the tables, with 1 of the configurations: 100.0% ok" in capsys.readouterr().out
    assert kb.joint_errors.tasks == ("first", "second")
    assert (tmp_path / "kb.zip.journals" / "finalists" / "first, 50 rows.jsonl").exists()
    assert (tmp_path / "kb.zip.journals" / "joint" / "first.jsonl").exists()
    assert build(folder, "--out", out, *more) == 0
    assert capsys.readouterr().err == "", "everything is in the journals"


def test_build_with_another_target_and_in_parallel(folder, tmp_path, cheap):
    out = tmp_path / "kb.zip"
    assert build(folder, "--out", out, "--only", "flowers", "--target", "species", "--jobs", 2, "--compact") == 0
    assert KnowledgeBase.load(out).learned
    assert KnowledgeBase.load(out).task_type == "classification"


def test_info_of_what_comes_with_it(capsys):
    assert main(["knowledge", "info"]) == 0
    both = capsys.readouterr().out
    assert main(["knowledge", "info", "--task", "regression"]) == 0
    one = capsys.readouterr().out
    assert both.endswith(one)
    kb = load_knowledge("regression")
    assert f"{len(kb.tasks)} tasks, {len(kb.configurations)} configurations, metrics: r2" in one
    assert f"families: {len(set(kb.families))}" in one
    assert f"measured with scikit-learn {kb.info['scikit-learn']}" in one
    assert "protocol: task_type='regression', cv=3" in one
    assert "svr: " in one


def test_info_counts_what_failed(tmp_path, capsys):
    def evaluation(task, name, k, status):
        scores = {"r2": 0.5} if status == "ok" else {}
        return Evaluation(task, Configuration(name, {"k": k}), status, scores=scores)

    evaluations = [evaluation("t", "a", k, "ok") for k in range(5)]
    evaluations += [evaluation("t", "a", k, "timeout") for k in range(5, 8)]
    evaluations += [evaluation("u", "b", 0, "failed")]
    path = tmp_path / "kb.zip"
    KnowledgeBase.from_evaluations(evaluations).save(path)
    assert main(["knowledge", "info", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "  evaluations: 27.8% ok, 16.7% timeout, 5.6% failed, 50.0% missing\n" in printed
    assert "  a: 8 configurations, 31.2% ok, 18.8% timeout, 50.0% missing" in printed
    assert "  b: 1 configurations, 50.0% failed, 50.0% missing" in printed
    assert "measured with scikit-learn (not recorded)" in printed


def test_describe_of_empty_knowledge():
    assert "0 tasks, 0 configurations" in describe(KnowledgeBase.from_evaluations([]))


def test_describe_adds_up_the_hours_of_all_folds():
    seconds = {"fit_seconds": 500.0, "score_seconds": 100.0}
    every = [Evaluation("t", Configuration(name), scores={"r2": 0.5}, **seconds) for name in ("a", "b")]
    kb = KnowledgeBase.from_evaluations(every, info={"protocol": {"cv": 3}})
    assert "  evaluations: 100.0% ok, 1 CPU hours\n" in describe(kb)
    assert "  a: 1 configurations, 100.0% ok, 0.5 CPU hours\n" in describe(kb)


def test_verify_repeats_what_was_built(folder, tmp_path, cheap, capsys):
    out = tmp_path / "kb.zip"
    build(folder, "--out", out, "--only", "first", "second", "--task", "regression", "--compact")
    capsys.readouterr()
    arguments = ["knowledge", "verify", str(out), "--data", str(folder), "--n", "3"]
    assert main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [str(out), "task | configuration | metric | stored | again | verdict"]
    assert re.fullmatch(r"(first|second) \| Configuration\('\w+', .*\) \| r2 \| \S+ \| \S+ \| same", lines[2])
    assert lines[-1].startswith("12 of 12 scores are the same; tolerance: 1e-6, and the rounding of a compact file")
    assert main([*arguments, "--random-state", "1"]) == 0


def test_build_and_verify_take_several_folders(folder, tmp_path, cheap, capsys):
    other, out = tmp_path / "other", tmp_path / "kb.zip"
    other.mkdir()
    (folder / "second.csv").rename(other / "second.csv")
    folders, those = [str(folder), str(other)], ["--only", "first", "second", "--task", "regression"]
    assert main(["knowledge", "build", *folders, *FEW, "--out", str(out), *those]) == 0
    assert KnowledgeBase.load(out).tasks == ("first", "second")
    assert main(["knowledge", "verify", str(out), "--data", *folders, "--n", "8"]) == 0
    assert {line.split(" | ")[0] for line in capsys.readouterr().out.splitlines() if " | same" in line} == {
        "first",
        "second",
    }


def test_verify_tells_differences_apart(folder, tmp_path, cheap, capsys):
    build(folder, "--out", tmp_path / "kb.zip", "--only", "first", "--task", "regression")
    good = KnowledgeBase.load(tmp_path / "kb.zip")
    worse = KnowledgeBase(
        good.tasks,
        good.configurations,
        {m: good.scores(m) - 0.1 * (m == "r2") for m in good.metrics},
        task_type="regression",
        info={**good.info, "scikit-learn": "0.99"},
    )
    worse.save(tmp_path / "worse.zip")
    capsys.readouterr()
    assert main(["knowledge", "verify", str(tmp_path / "worse.zip"), "--data", str(folder)]) == 1
    *rows, summary, versions = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[2] for row in rows if row.endswith(" | differs")] == ["r2", "r2"]
    assert summary == "6 of 8 scores are the same; tolerance: 1e-6"
    assert (
        versions == f"measured with scikit-learn 0.99, again with {sklearn.__version__}: differences may be due to that"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "{tmp}/nowhere.zip"], "There is no knowledge file at"),
        (["info", "{tmp}/tables/first.csv"], "is not a knowledge file, or it is damaged"),
        (["info", "{tmp}", "--task", "regression"], "--task picks one of the two that come with sklmeta"),
        (["build", "{tmp}/nowhere", "--out", "{tmp}/kb.zip"], "is not a folder. Give one that holds"),
        (["verify", "--data", "{tmp}/nowhere"], "is not a folder. Give one that holds"),
        (["verify", "--data", "{tmp}/tables"], "There is nothing to repeat: none of the knowledge's tasks"),
        (["verify", "{tmp}/nowhere.zip", "--data", "{tmp}"], "There is no knowledge file at"),
        (["build", "{tmp}", "--out", "{tmp}/kb.zip"], "holds no .parquet or .csv file"),
        (["build", "{tmp}/tables", "--out", "{tmp}/no/kb.zip"], "There is no folder"),
        (["build", "{tmp}/tables", "--out", "{tmp}"], "is a folder; --out must name a file, such as"),
        (["build", "{tmp}/tables", "--out", "{tmp}/kb.zip", "--only", "third"], "has no third.parquet or third.csv"),
        (["build", "{tmp}/tables", "--out", "{tmp}/kb.zip", "--only", "flowers"], "has no column 'target'"),
        (
            ["build", "{tmp}/tables", "--out", "{tmp}/kb.zip", "--only", "first", "--task", "classification"],
            "tables has no table of task type 'classification'",
        ),
    ],
)
def test_errors_are_one_line(folder, tmp_path, capsys, arguments, message):
    assert main(["knowledge", *(a.format(tmp=tmp_path) for a in arguments)]) == 2
    error = one_line(capsys)
    assert error.startswith("sklmeta: ")
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: knowledge; see sklmeta --help"),
        (["knowledge"], "the following arguments are required: build|info|verify; see sklmeta knowledge --help"),
        (["knowledge", "make"], "invalid choice: 'make'"),
        (["knowledge", "build", "x"], "the following arguments are required: --out"),
        (["knowledge", "build", "x", "--out", "y", "--configurations", "0"], "must be a whole number above 0, got '0'"),
        (["knowledge", "build", "x", "--out", "y", "--max-rows", "many"], "must be a whole number above 0, got 'many'"),
        (["knowledge", "build", "x", "--out", "y", "--time-limit", "nan"], "must be seconds above 0, got 'nan'"),
        (["knowledge", "info", "--task", "ranking"], "invalid choice: 'ranking'"),
    ],
)
def test_wrong_arguments_are_one_line(capsys, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in one_line(capsys)


def test_journals_of_another_protocol(folder, tmp_path, cheap, capsys):
    out = tmp_path / "kb.zip"
    build(folder, "--out", out, "--only", "first")
    capsys.readouterr()
    assert build(folder, "--out", out, "--only", "first", "--max-rows", 50) == 2
    assert "Use the same settings, or another checkpoint folder" in one_line(capsys)


def test_an_interrupt_says_how_to_go_on(folder, tmp_path, cheap, monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["sklmeta.cli"], "collect", interrupt)
    assert build(folder, "--out", tmp_path / "kb.zip", "--only", "first") == 130
    assert "interrupted; the same command goes on from here" in one_line(capsys)


def test_as_a_program(tmp_path):
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    good = subprocess.run(
        [sys.executable, "-m", "sklmeta", "knowledge", "info"], capture_output=True, text=True, env=environment
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.count("KnowledgeBase(") == 2
    bad = subprocess.run(
        [sys.executable, "-m", "sklmeta", "knowledge", "info", str(tmp_path / "x")], capture_output=True, text=True
    )
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("sklmeta: There is no knowledge file at ")
    assert "Traceback" not in bad.stderr


def test_a_reader_that_goes_away_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "sklmeta", "knowledge", "info"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
