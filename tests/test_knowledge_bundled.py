import pytest
from _knowledge import rich_knowledge

import sklmeta.knowledge.bundled as bundled
from sklmeta import KnowledgeBase, load_knowledge


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(bundled, "FOLDER", tmp_path)
    load_knowledge.cache_clear()
    yield tmp_path
    load_knowledge.cache_clear()


def test_it_is_read_once_and_shared(folder):
    rich_knowledge().save(folder / "classification.zip")
    first = load_knowledge()
    assert first == rich_knowledge()
    (folder / "classification.zip").unlink()
    assert load_knowledge() is first


def test_each_task_type_has_its_own_file(folder):
    KnowledgeBase.from_evaluations([], task_type="regression").save(folder / "regression.zip")
    assert load_knowledge("regression").task_type == "regression"


def test_other_task_types_are_refused():
    with pytest.raises(ValueError, match=r"task must be 'classification' or 'regression', got 'clustering' instead"):
        load_knowledge("clustering")
