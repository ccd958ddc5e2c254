"""The knowledge file: one zip of JSON and arrays, without anything that could be executed.

``manifest.json`` holds the format's name and number, the labels, and which arrays there are; every array is a
``.npy`` member that is read with ``allow_pickle=False``.

Raising the format number
-------------------------
1. Raise `FORMAT` below, and teach `read` both the old number and the new one.
2. Keep the newest file of the old format in ``tests/data`` with a test that reads it.
3. Say in ``CHANGELOG.md`` which version of sklmeta reads what.
A reader refuses a number that it does not know, and says how to update.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sklmeta.archives import DAMAGE, read_archive, write_archive
from sklmeta.configuration import Configuration
from sklmeta.exceptions import KnowledgeFormatError
from sklmeta.knowledge.joint import JointErrors
from sklmeta.knowledge.labels import label_from_json, label_to_json, labels_to_json
from sklmeta.knowledge.tables import label_index, positions

NAME, FORMAT = "sklmeta-knowledge", 1
_MANIFEST = "manifest.json"
_LARGEST_HALF = float(np.finfo(np.float16).max)
_SMALL, _LARGE = 2.0**-7, 2.0**10  # distances of scores that half precision does not hold well, all or half of them


def write(knowledge: Any, path: str | Path, *, compact: bool = False) -> None:
    """Write a knowledge base; see `KnowledgeBase.save`."""
    arrays, provenance = _arrays(knowledge, compact), knowledge.provenance
    manifest = {
        "name": NAME,
        "format": FORMAT,
        "tasks": labels_to_json("Tasks", knowledge.tasks),
        "families": [label_to_json(family) for family in knowledge.families],
        "configurations": labels_to_json("Configurations", knowledge.configurations, _configuration_to_json),
        "metrics": labels_to_json("Metrics", knowledge.metrics),
        "meta_features": labels_to_json("Meta-features", knowledge.meta_features.columns),
        "task_type": knowledge.task_type,
        "info": knowledge.info,
        "provenance": [provenance.get(task) for task in knowledge.tasks],
        "reasons": _indexed_reasons(knowledge),
        "compact": compact,
        "learned": list(knowledge.learned),
        "joint_errors": _indexed_joint_errors(knowledge),
    }
    write_archive(path, _MANIFEST, manifest, arrays, label_to_json)


def read(path: str | Path, build: Callable[..., Any]) -> Any:
    """What `build`, the constructor of KnowledgeBase, makes of a file; see `KnowledgeBase.load`."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no knowledge file at {path}.")
    try:
        manifest, arrays = read_archive(path, _MANIFEST, partial(_check_manifest, path=path))
        return build(**_arguments(manifest, arrays))
    except (KnowledgeFormatError, PermissionError):
        raise
    except DAMAGE as error:
        raise KnowledgeFormatError(
            f"{path} is not a knowledge file, or it is damaged ({type(error).__name__}: {error}). Restore it from a "
            "copy, or collect it again with sklmeta.collect."
        ) from error


def _check_manifest(manifest: Any, path: Path) -> None:
    if not isinstance(manifest, dict) or manifest.get("name") != NAME:
        raise KnowledgeFormatError(f"{path} is a zip, but not one that KnowledgeBase.save wrote.")
    if manifest["format"] > FORMAT:
        raise KnowledgeFormatError(
            f"{path} has format {manifest['format']}, this version of sklmeta reads formats up to {FORMAT}. Update it "
            "with: pip install --upgrade sklmeta"
        )


def _arrays(knowledge: Any, compact: bool) -> dict[str, np.ndarray]:
    arrays = {"status": knowledge.status_codes, "meta_features": knowledge.meta_features.to_numpy(dtype=float)}
    for i, metric in enumerate(knowledge.metrics):
        scores, errors = knowledge.scores(metric), knowledge.standard_errors(metric)
        if compact:
            arrays |= _compacted(scores, errors, i)
        else:
            arrays[f"scores_{i}"], arrays[f"errors_{i}"] = scores, errors
    for name in ("fit_seconds", "score_seconds"):
        arrays[name] = _half(getattr(knowledge, name)) if compact else getattr(knowledge, name)
    if knowledge.joint_errors is not None:
        arrays |= _joint_arrays(knowledge.joint_errors.products, compact)
    for i, learned in enumerate(knowledge.learned.values()):
        arrays |= {f"learned_{i}_{name}": array for name, array in learned.items()}
    if compact:
        arrays["meta_features"] = arrays["meta_features"].astype(np.float32)
    return arrays


def _compacted(scores: np.ndarray, errors: np.ndarray, i: int) -> dict[str, np.ndarray]:
    """Each task's best score, and how far each score is below it: small where precision matters."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    best = known.max(axis=1, initial=-np.inf)
    best = np.where(np.isfinite(best), best, np.nan)
    shortfall = best[:, None] - scores
    scale = np.array([_scale_of(row[row > 0]) for row in shortfall])
    if (scale == 1).all():
        return {f"best_{i}": best, f"shortfall_{i}": _half(shortfall), f"errors_{i}": _half(errors)}
    return {
        f"best_{i}": best,
        f"scale_{i}": scale,
        f"share_{i}": _half(shortfall / scale[:, None]),
        f"errors_{i}": _half(errors / scale[:, None]),
    }


def _scale_of(shortfall: np.ndarray) -> float:
    """What a task's distances are divided by: 1, or where half precision would hold too few of their digits, a power
    of two near the largest of small ones or the median of large ones, which one disaster does not change.
    """
    if not len(shortfall):
        return 1.0
    largest, typical = shortfall.max(), np.median(shortfall)
    unit = largest if largest < _SMALL else typical if typical > _LARGE else 1.0
    return float(2.0 ** np.floor(np.log2(unit)))


def _restored(arrays: dict[str, np.ndarray], i: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and standard errors of what `_compacted` gave."""
    best, errors = arrays[f"best_{i}"][:, None], arrays[f"errors_{i}"].astype(float)
    if f"scale_{i}" not in arrays:
        return best - arrays[f"shortfall_{i}"].astype(float), errors
    scale = arrays[f"scale_{i}"][:, None]
    return best - scale * arrays[f"share_{i}"].astype(float), scale * errors


def _half(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)


def _joint_arrays(products: np.ndarray, compact: bool) -> dict[str, np.ndarray]:
    """Upper triangles; compact: by how much each correlation is below 1, which is small where precision matters."""
    upper, alone = np.triu_indices(products.shape[1]), np.diagonal(products, axis1=1, axis2=2)
    if not compact:
        return {"joint_products": products[:, *upper]}
    together = np.sqrt(alone[:, upper[0]] * alone[:, upper[1]])
    apart = 1 - products[:, *upper] / np.where(together > 0, together, 1.0)
    return {"joint_alone": alone.astype(np.float32), "joint_apart": _half(apart)}


def _joint_errors(manifest: dict, arrays: dict[str, np.ndarray], tasks: list, configurations: list) -> Any:
    at = manifest.get("joint_errors")  # files from before there were any have no such entry
    if at is None:
        return None
    n = len(at["configurations"])
    upper = np.triu_indices(n)
    if manifest["compact"]:
        alone = arrays["joint_alone"].astype(float)
        known = np.sqrt(alone[:, upper[0]] * alone[:, upper[1]]) * (1 - arrays["joint_apart"].astype(float))
    else:
        known = arrays["joint_products"]
    products = np.empty((len(at["tasks"]), n, n))
    products[:, *upper] = products[:, upper[1], upper[0]] = known
    return JointErrors([tasks[i] for i in at["tasks"]], [configurations[j] for j in at["configurations"]], products)


def _arguments(manifest: dict, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    tasks = [label_from_json(task) for task in manifest["tasks"]]
    configurations = [Configuration.from_json(json.dumps(c)) for c in manifest["configurations"]]
    metrics = [label_from_json(metric) for metric in manifest["metrics"]]
    scores, errors = {}, {}
    for i, metric in enumerate(metrics):
        stored = _restored(arrays, i) if manifest["compact"] else (arrays[f"scores_{i}"], arrays[f"errors_{i}"])
        scores[metric], errors[metric] = stored
    names = label_index([label_from_json(name) for name in manifest["meta_features"]])
    frame = pd.DataFrame(arrays["meta_features"].astype(float), columns=names)
    return {
        "tasks": tasks,
        "configurations": configurations,
        "scores": scores,
        "status": arrays["status"],
        "meta_features": frame,
        "standard_errors": errors,
        "fit_seconds": arrays["fit_seconds"],
        "score_seconds": arrays["score_seconds"],
        "joint_errors": _joint_errors(manifest, arrays, tasks, configurations),
        "families": [label_from_json(family) for family in manifest["families"]],
        "reasons": {(tasks[i], configurations[j]): why for i, j, why in manifest["reasons"]},
        "provenance": {t: about for t, about in zip(tasks, manifest["provenance"], strict=True) if about is not None},
        "task_type": manifest["task_type"],
        "learned": {
            name: {key.removeprefix(f"learned_{i}_"): a for key, a in arrays.items() if key.startswith(f"learned_{i}_")}
            for i, name in enumerate(manifest.get("learned", ()))
        },
        "info": {**manifest["info"], **({"compact": True} if manifest["compact"] else {})},
    }


def _configuration_to_json(configuration: Configuration) -> Any:
    return json.loads(configuration.to_json())


def _indexed_joint_errors(knowledge: Any) -> dict[str, list[int]] | None:
    """Which of the tasks and configurations they are about."""
    joint = knowledge.joint_errors
    if joint is None:
        return None
    row, column = positions(knowledge.tasks), positions(knowledge.configurations)
    return {"tasks": [row[t] for t in joint.tasks], "configurations": [column[c] for c in joint.configurations]}


def _indexed_reasons(knowledge: Any) -> list[tuple[int, int, str]]:
    row, column = positions(knowledge.tasks), positions(knowledge.configurations)
    return [(row[task], column[configuration], why) for (task, configuration), why in knowledge.reasons.items()]
