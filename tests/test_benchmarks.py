"""Benchmarks that read nothing but knowledge run from beginning to end, on a few of its tables."""

import importlib
import sys
from pathlib import Path

import pytest

from sklmeta import load_knowledge
from sklmeta.knowledge.sizes import whole_tables

COMMANDS = [
    ("recommenders", "--task regression"),
    ("recommenders", "--task regression --intervals --recommenders TaskMixture"),
    ("ablation", "--task regression --seeds 1"),
    ("averages", "--task regression"),
    ("budgeted_averages", "--task regression"),
    ("knowledge_curves", "--task regression --seeds 1"),
    ("tunability", "--task regression"),
]


@pytest.fixture(scope="module")
def few():
    knowledge = whole_tables(load_knowledge("regression"))
    return knowledge.select(tasks=knowledge.tasks[:12])


@pytest.mark.parametrize(("name", "options"), COMMANDS, ids=[f"{name} {options}" for name, options in COMMANDS])
def test_a_benchmark_of_knowledge_runs(name, options, few, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    bench = importlib.import_module(name)
    monkeypatch.setattr(bench, "load_knowledge", lambda task_type: few)
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *options.split()])
    bench.main()
    table = capsys.readouterr().out
    assert "|---|" in table
    assert "nan" not in table
