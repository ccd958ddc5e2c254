"""Runs of the gradient benchmarks: one JSON line each, so that a stopped benchmark goes on where it was."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def arguments(description: str, **more: str) -> argparse.Namespace:
    """Command line of a benchmark: where runs are kept, how many seeds, and more folders by name."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--runs", type=Path, required=True, help="file of JSON lines that runs are added to")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds")
    for name, meaning in more.items():
        parser.add_argument(f"--{name}", type=Path, required=True, help=meaning)
    return parser.parse_args()


def run_missing(path: Path, settings: Iterable[dict[str, Any]], measure: Callable[..., dict[str, Any]]) -> None:
    """Measure every setting that the file lacks, and add a line for each as soon as it is done."""
    done = [run["setting"] for run in read(path)]
    for setting in settings:
        if setting in done:
            continue
        began, cpu = time.perf_counter(), time.process_time()
        result = measure(**setting)
        seconds = {
            "seconds": round(time.perf_counter() - began, 2),
            "cpu_seconds": round(time.process_time() - cpu, 2),
        }
        with path.open("a") as file:
            file.write(json.dumps({"setting": setting, "result": result, **seconds}) + "\n")
        print(setting, result, seconds, flush=True)


def read(path: Path) -> list[dict[str, Any]]:
    """All runs of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
