import datetime
import io
import json
import os
import time
import zipfile

import numpy as np
import pandas as pd
import pytest
from _knowledge import made_up_knowledge, rich_knowledge

import sklmeta.archives as file_module
from sklmeta import Configuration, KnowledgeBase
from sklmeta.exceptions import KnowledgeFormatError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "knowledge.zip"


def rewritten(path, change=lambda manifest: None, arrays=None):
    """The file again, with another manifest or other arrays."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members["manifest.json"])
    change(manifest)
    members["manifest.json"] = json.dumps(manifest).encode()
    for name, array in (arrays or {}).items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=True)
        members[f"{name}.npy"] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


# -- what comes back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kb", [rich_knowledge(), made_up_knowledge(), KnowledgeBase.from_evaluations([])], ids=repr)
def test_what_was_saved_comes_back(kb, path):
    kb.save(path)
    again = KnowledgeBase.load(path)
    assert again == kb
    assert hash(again) == hash(kb)
    assert list(again.meta_features.columns) == list(kb.meta_features.columns)
    kb.save(str(path))
    assert KnowledgeBase.load(str(path)) == kb


def test_compact_rounds_as_documented(path):
    kb = rich_knowledge()
    kb.save(path, compact=True)
    again = KnowledgeBase.load(path)
    for metric in kb.metrics:
        exact, rounded = kb.scores(metric), again.scores(metric)
        best = np.nanmax(exact, axis=1, keepdims=True)
        np.testing.assert_array_equal(np.isnan(rounded), np.isnan(exact))
        np.testing.assert_array_equal(np.nanmax(rounded, axis=1), best[:, 0])
        np.testing.assert_array_less(np.abs(rounded - exact), 5e-4 * (best - exact) + 1e-7, err_msg=metric)
        np.testing.assert_allclose(again.standard_errors(metric), kb.standard_errors(metric), rtol=5e-4)
    np.testing.assert_allclose(again.fit_seconds, kb.fit_seconds, rtol=5e-4)
    np.testing.assert_allclose(again.meta_features, kb.meta_features, rtol=1e-6)
    assert again.tasks == kb.tasks
    assert again.reasons == kb.reasons
    np.testing.assert_array_equal(again.status, kb.status)


def test_compact_keeps_near_best_differences_on_a_large_scale(path):
    kb = KnowledgeBase.from_frames(None, {"m": pd.DataFrame([[1e6, 1e6 - 0.001, 1e6 - 0.002, -1e12]])})
    kb.save(path, compact=True)
    again = KnowledgeBase.load(path).scores("m")[0]
    np.testing.assert_allclose(again[0] - again[1:3], [0.001, 0.002], rtol=1e-3)
    assert again[3] == 1e6 - 65504


@pytest.mark.parametrize("scale", [1e-12, 1e-4, 1.0, 1e4, 1e12])
def test_compact_keeps_scores_on_any_scale(path, scale):
    scores = scale * np.array([[0.0, -0.1, -0.25, -3.0, -np.pi], [5.0, 5.0, np.nan, 4.999, 2.0]])
    kb = KnowledgeBase(
        ["s", "t"],
        [Configuration(c) for c in "abcde"],
        {"accuracy": np.zeros((2, 5)) + 0.5, "m": scores},
        standard_errors={"m": 0.01 * np.abs(scores)},
    )
    kb.save(path, compact=True)
    again = KnowledgeBase.load(path)
    np.testing.assert_allclose(again.scores("m"), scores, rtol=5e-4, atol=1e-7 * scale)
    np.testing.assert_allclose(again.standard_errors("m"), 0.01 * np.abs(scores), rtol=5e-4)
    assert (again.scores("m")[1, 0] - again.scores("m")[1, 3]) / scale == pytest.approx(0.001, rel=1e-3)
    np.testing.assert_array_equal(again.scores("accuracy"), 0.5)


def test_compact_is_much_smaller(tmp_path):
    kb = made_up_knowledge(60, 80)
    kb.save(tmp_path / "whole.zip")
    kb.save(tmp_path / "compact.zip", compact=True)
    assert (tmp_path / "compact.zip").stat().st_size < 0.4 * (tmp_path / "whole.zip").stat().st_size


def test_foreign_labels_become_text_and_stay_apart(path):
    day = datetime.date(2026, 1, 1)
    kb = KnowledgeBase.from_frames(None, {"m": pd.DataFrame([[0.1, 0.2]], index=[day], columns=[day, "x"])})
    kb.save(path)
    again = KnowledgeBase.load(path)
    assert again.tasks == ("2026-01-01",)
    assert again.configurations == (Configuration("2026-01-01"), Configuration("x"))
    with_both = pd.DataFrame([[0.1], [0.2]], index=[day, "2026-01-01"])
    with pytest.raises(ValueError, match=r"Tasks .* and '2026-01-01' would both be stored as '2026-01-01'; rename"):
        KnowledgeBase.from_frames(None, {"m": with_both}).save(path)
    with pytest.raises(ValueError, match=r"Configurations .* would both be stored"):
        KnowledgeBase.from_frames(None, {"m": with_both.T}).save(path)


def test_numpy_values_in_info_and_provenance(path):
    kb = KnowledgeBase(
        ["t"], [Configuration("x")], {"m": [[1.0]]}, info={"cv": np.int64(3)}, provenance={"t": {"rows": np.int32(9)}}
    )
    kb.save(path)
    assert KnowledgeBase.load(path) == kb


def test_arrays_come_back_write_protected(path):
    rich_knowledge().save(path)
    with pytest.raises(ValueError, match="read-only"):
        KnowledgeBase.load(path).scores("accuracy")[0, 0] = 0


def test_loading_is_fast(path):
    rng = np.random.default_rng(0)
    scores = {f"m{k}": rng.random((180, 240)) for k in range(6)}
    configurations = [Configuration("svc", {"C": float(j), "kernel": "rbf"}) for j in range(240)]
    kb = KnowledgeBase(range(180), configurations, scores, standard_errors=scores)
    kb.save(path, compact=True)

    def seconds():
        start = time.process_time()
        KnowledgeBase.load(path)
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.1  # 0.02 measured


# -- writing is all or nothing -------------------------------------------------------------------------------------


def test_a_failed_save_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    old = rich_knowledge()
    old.save(path)

    def full(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(file_module.np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        made_up_knowledge().save(path)
    monkeypatch.undo()
    assert os.listdir(path.parent) == [path.name]
    assert KnowledgeBase.load(path) == old


def test_the_file_appears_only_complete(path, monkeypatch):
    seen = []
    replace = os.replace

    def watched(unfinished, target):
        seen.append(path.exists())
        assert os.path.dirname(unfinished) == str(path.parent)
        replace(unfinished, target)

    monkeypatch.setattr(file_module.os, "replace", watched)
    rich_knowledge().save(path)
    assert seen == [False]
    assert KnowledgeBase.load(path) == rich_knowledge()


# -- what is no knowledge file -------------------------------------------------------------------------------------


def test_a_missing_file(path):
    with pytest.raises(FileNotFoundError, match=r"There is no knowledge file at .*knowledge\.zip"):
        KnowledgeBase.load(path)


def test_a_file_that_is_no_zip(path):
    path.write_text("task,accuracy\niris,0.9\n")
    with pytest.raises(KnowledgeFormatError, match=r"knowledge\.zip is not a knowledge file, or it is damaged"):
        KnowledgeBase.load(path)


def test_where_nothing_can_be_written_the_place_is_named(tmp_path):
    kb = rich_knowledge()
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere to write a\.zip to; make it first"):
        kb.save(tmp_path / "nowhere" / "a.zip")
    with pytest.raises(IsADirectoryError, match=r"is a folder; name a file, such as .*knowledge\.zip"):
        kb.save(tmp_path)


def test_a_folder(tmp_path):
    with pytest.raises((KnowledgeFormatError, PermissionError)):  # Windows may not even open it
        KnowledgeBase.load(tmp_path)


def test_somebody_elses_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    with pytest.raises(KnowledgeFormatError, match="is not a knowledge file"):
        KnowledgeBase.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", '{"name": "chrome-extension"}')
    with pytest.raises(KnowledgeFormatError, match=r"is a zip, but not one that KnowledgeBase\.save wrote"):
        KnowledgeBase.load(path)


def test_a_newer_format_says_how_to_update(path):
    rich_knowledge().save(path)
    rewritten(path, lambda manifest: manifest.update(format=99))
    with pytest.raises(
        KnowledgeFormatError, match=r"has format 99, .* up to 1\. Update it with: pip install --upgrade"
    ):
        KnowledgeBase.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: [m[name].pop() for name in ("tasks", "families", "provenance")], "shape"),
        (lambda m: m["tasks"].__setitem__(1, "a"), "two of task 'a'"),
        (lambda m: m["configurations"].append(["x", {}]), "shape"),
        (lambda m: m["meta_features"].append("more"), "damaged"),
        (lambda m: m["families"].pop(), "4 tasks and 3 families"),
        (lambda m: m["metrics"].append("r2"), "scores_2"),
        (lambda m: m["reasons"].append([99, 0, "why"]), "IndexError"),
        (lambda m: m.pop("provenance"), "'provenance'"),
        (lambda m: m.update(task_type="clustering"), "task_type must be"),
        (lambda m: m.update(format="one"), "TypeError"),
    ],
)
def test_a_manifest_that_disagrees_with_the_arrays(path, change, message):
    rich_knowledge().save(path)
    with pytest.raises(KnowledgeFormatError, match=message):
        KnowledgeBase.load(rewritten(path, change))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_nothing_in_a_file_is_executed(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    rich_knowledge().save(path)
    rewritten(path, arrays={"status": np.array([[Evil()] * 3] * 4, dtype=object)})
    with pytest.raises(KnowledgeFormatError, match="allow_pickle=False"):
        KnowledgeBase.load(path)
    assert not os.path.exists("executed")


def test_a_cut_file_is_refused_wherever_it_was_cut(path):
    rich_knowledge().save(path)
    content = path.read_bytes()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(KnowledgeFormatError, match="damaged"):
            KnowledgeBase.load(path)


def test_a_flipped_byte_is_refused_or_harmless(path):
    kb = rich_knowledge()
    kb.save(path)
    content = path.read_bytes()
    refused = 0
    for position in range(0, len(content), 13):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            assert KnowledgeBase.load(path) == kb
        except KnowledgeFormatError:
            refused += 1
    assert refused > 0.5 * len(content) / 13
