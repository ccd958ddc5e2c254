"""The command line: build knowledge from a folder of tables, say what is in a knowledge file, repeat a part of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import sklearn

from sklmeta.collecting import AS_THEY_WERE, check_collectable, collect, measured_in
from sklmeta.datasets import Dataset, read_folder
from sklmeta.finalists import collect_joint_errors, collect_larger_parts
from sklmeta.knowledge import KnowledgeBase
from sklmeta.knowledge.bundled import FOLDER
from sklmeta.knowledge.sizes import tables_of_parts
from sklmeta.recommenders import TaskMixture
from sklmeta.recommenders.forest import learned_ahead
from sklmeta.verification import verify

_MEASURED = "measured"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; errors are one line on standard error.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; None takes the program's own.

    Returns
    -------
    int
        0, or 1 where `verify` found differences, or 2 after an error, or 130 after an interrupt, or 141 where nobody
        reads its output any more.
    """
    args = _parser().parse_args(argv)
    try:
        code = args.command(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # as after `| head`; what is left must not fail once more when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (ValueError, OSError, ImportError) as error:
        print(f"sklmeta: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("sklmeta: interrupted; the same command goes on from here", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="sklmeta", description="Learn across datasets what to try first.")
    rooms = parser.add_subparsers(required=True, metavar="knowledge")
    commands = rooms.add_parser("knowledge", help="build knowledge, or look at some").add_subparsers(
        required=True, metavar="build|info|verify"
    )
    build = commands.add_parser("build", help="evaluate configurations on a folder of tables")
    build.set_defaults(command=_build)
    build.add_argument(
        "folders", metavar="DIR", nargs="+", help="folders of parquet or CSV files; an index.csv may describe them"
    )
    build.add_argument("--out", required=True, metavar="FILE", help="knowledge file to write")
    build.add_argument("--task", choices=["classification", "regression"], help="use the tables of this type only")
    build.add_argument("--target", default="target", help="name of the target's column (default: target)")
    build.add_argument("--only", nargs="+", metavar="NAME", help="use these tables only, in this order")
    build.add_argument(
        "--configurations",
        type=_count_all_or_measured,
        default=12,
        metavar="N",
        help="per estimator; 'all' for the whole list of the bundled knowledge; 'measured' for those that the journals "
        "of all these tables have (default: 12)",
    )
    build.add_argument("--max-rows", type=_count, default=3000, metavar="N", help="cut larger tables (default: 3000)")
    build.add_argument(
        "--joint", type=_count, metavar="N", help="measure the N best once more: how their errors go together"
    )
    build.add_argument(
        "--finalists",
        type=_count,
        metavar="N",
        help="measure the N best once more on up to --finalist-rows rows of the tables that were cut",
    )
    build.add_argument("--finalist-rows", type=_count, default=20_000, metavar="N", help="(default: 20000)")
    build.add_argument(
        "--time-limit", type=_seconds, default=60.0, metavar="S", help="seconds for one evaluation (default: 60)"
    )
    build.add_argument("--jobs", type=int, default=1, metavar="N", help="evaluations at the same time (default: 1)")
    build.add_argument("--checkpoint", metavar="DIR", help="journals, to go on after a kill (default: FILE.journals)")
    build.add_argument(
        "--compact",
        action="store_true",
        help="round to a small file that holds what the default recommender learns from it",
    )
    info = commands.add_parser("info", help="say what is in a knowledge file")
    info.set_defaults(command=_info)
    info.add_argument("file", nargs="?", metavar="FILE", help="default: what comes with sklmeta")
    info.add_argument("--task", choices=["classification", "regression"], help="which of the two that come with it")
    again = commands.add_parser("verify", help="repeat evaluations drawn at random, and compare")
    again.set_defaults(command=_verify)
    again.add_argument("file", nargs="?", metavar="FILE", help="default: what comes with sklmeta")
    again.add_argument("--task", choices=["classification", "regression"], help="which of the two that come with it")
    again.add_argument(
        "--data",
        required=True,
        nargs="+",
        metavar="DIR",
        help="folders of the tables that it was measured on; FILE comes before",
    )
    again.add_argument("--target", default="target", help="name of the target's column (default: target)")
    again.add_argument("--n", type=_count, default=20, metavar="N", help="evaluations of a file (default: 20)")
    again.add_argument("--random-state", type=int, default=0, metavar="SEED", help="of the draw (default: 0)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return int(text)


def _count_all_or_measured(text: str) -> int | str | None:
    return None if text == "all" else text if text == _MEASURED else _count(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"must be seconds above 0, got {text!r}")
    return seconds


def _build(args: argparse.Namespace) -> int:
    out = Path(args.out)
    if out.is_dir():
        raise IsADirectoryError(f"{out} is a folder; --out must name a file, such as {out / 'knowledge.zip'}.")
    if not out.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {out.parent} to write {out.name} to; make it first.")
    journals = Path(args.checkpoint or f"{out}.journals")
    how: dict[str, Any] = {
        "n_jobs": args.jobs,
        "progress": lambda line: print(line, file=sys.stderr, flush=True),
    }

    only, configurations, limit = args.only, args.configurations, args.time_limit
    if configurations == _MEASURED:
        only, configurations = measured_in(journals, only)
        limit = AS_THEY_WERE

    def tables() -> Iterator[Dataset]:
        empty = True
        for table in read_folder(args.folders, target=args.target, task_type=args.task, names=only):
            empty = False
            yield table
        if empty:
            raise ValueError(f"{' and '.join(args.folders)} has no table of task type {args.task!r}.")

    check_collectable(tables())
    knowledge = collect(
        tables(),
        configurations,
        task=args.task,
        max_rows=args.max_rows,
        time_limit=limit,
        checkpoint=journals,
        **how,
    )
    how["measured_only"] = args.configurations == _MEASURED
    if args.joint is not None:
        how |= {"time_limit": limit, "checkpoint": journals / "joint"}
        knowledge = collect_joint_errors(knowledge, tables(), args.joint, **how)
    if args.finalists is not None:
        how |= {"time_limit": 2 * limit, "checkpoint": journals / "finalists"}
        knowledge = collect_larger_parts(knowledge, tables(), args.finalists, max_rows=args.finalist_rows, **how)
    knowledge.save(out, compact=args.compact)
    if args.compact:  # to be shipped: learn from what was rounded, once for all who load it
        learned_ahead(KnowledgeBase.load(out), TaskMixture()).save(out, compact=True)
    _report(out, knowledge)
    return 0


def _info(args: argparse.Namespace) -> int:
    for path, knowledge in _files(args):
        _report(path, knowledge)
    return 0


def _verify(args: argparse.Namespace) -> int:
    same = True
    for path, knowledge in _files(args):
        found = verify(knowledge, args.data, n=args.n, random_state=args.random_state, target=args.target)
        print(f"{path}\n{_comparison(found)}\n{_verdict(found, knowledge)}")
        same = same and bool((found["verdict"] == "same").all())
    return 0 if same else 1


def _files(args: argparse.Namespace) -> Iterator[tuple[Path, KnowledgeBase]]:
    """The knowledge that is named, or the two that come with sklmeta."""
    if args.file is None:
        for task in [args.task] if args.task else ["classification", "regression"]:
            yield FOLDER / f"{task}.zip", KnowledgeBase.load(FOLDER / f"{task}.zip")
        return
    if args.task is not None:
        raise ValueError("--task picks one of the two that come with sklmeta; leave it out when you name a file.")
    yield Path(args.file), KnowledgeBase.load(args.file)


def _comparison(found: pd.DataFrame) -> str:
    """One line for each score that was measured again."""
    header = "task | configuration | metric | stored | again | verdict"
    rows = (
        f"{row.task} | {row.configuration!r} | {row.metric} | {row.stored:.7g} | {row.again:.7g} | {row.verdict}"
        for row in found.itertuples()
    )
    return "\n".join([header, *rows])


def _verdict(found: pd.DataFrame, knowledge: KnowledgeBase) -> str:
    """How many scores are the same, by what tolerance, and what may explain the others."""
    rounding = ", and the rounding of a compact file: 0.05 % of a score's distance from its task's best"
    lines = [
        f"{(found['verdict'] == 'same').sum()} of {len(found)} scores are the same; tolerance: 1e-6"
        + (rounding if knowledge.info.get("compact") else "")
    ]
    then = knowledge.info.get("scikit-learn", "(not recorded)")
    if then != sklearn.__version__:
        lines.append(
            f"measured with scikit-learn {then}, again with {sklearn.__version__}: differences may be due to that"
        )
    return "\n".join(lines)


def _report(path: Path, knowledge: KnowledgeBase) -> None:
    print(f"{path} ({path.stat().st_size / 1000:.0f} kB)\n{describe(knowledge)}")


def describe(knowledge: KnowledgeBase) -> str:
    """What a knowledge base holds, in a few lines.

    Parameters
    ----------
    knowledge : KnowledgeBase
        Any.

    Returns
    -------
    str
        Tasks, families, metrics, versions; in all and per base estimator the share of each status and the CPU hours.
    """
    names = np.array([str(c.estimator) for c in knowledge.configurations], dtype=object)
    lines = [
        repr(knowledge),
        f"  families: {len(set(knowledge.families))}",
        f"  meta-features: {knowledge.meta_features.shape[1]}",
        f"  measured with scikit-learn {knowledge.info.get('scikit-learn', '(not recorded)')}",
    ]
    protocol = knowledge.info.get("protocol")
    if isinstance(protocol, Mapping):
        protocol = ", ".join(f"{name}={value!r}" for name, value in protocol.items())
    if protocol is not None:
        lines.append(f"  protocol: {protocol}")
    parts = tables_of_parts(knowledge)
    larger = np.array([task in parts for task in knowledge.tasks], dtype=bool)
    every = np.ones(len(names), dtype=bool)
    lines.append(f"  evaluations: {_outcomes(knowledge, ~larger, every)}")
    for name in dict.fromkeys(names):
        outcomes = _outcomes(knowledge, ~larger, names == name)
        lines.append(f"  {name}: {(names == name).sum()} configurations, {outcomes}")
    if larger.any():
        again = (knowledge.status[larger] != "missing").any(axis=0)
        lines.append(
            f"  larger parts of {len(set(parts.values()))} of the tables, with {again.sum()} of the configurations: "
            f"{_outcomes(knowledge, larger, again)}"
        )
    return "\n".join(lines)


def _outcomes(knowledge: KnowledgeBase, rows: np.ndarray, columns: np.ndarray) -> str:
    """Share of each status in a part, and the CPU time of what ended well there, all folds together."""
    status = knowledge.status[rows][:, columns]
    counts = Counter(status.ravel().tolist())
    shares = [f"{counts[s] / status.size:.1%} {s}" for s in ("ok", "timeout", "failed", "missing") if counts[s]]
    seconds = np.nansum((knowledge.fit_seconds + knowledge.score_seconds)[rows][:, columns])
    protocol = knowledge.info.get("protocol")
    n_folds = protocol.get("cv") if isinstance(protocol, Mapping) else None
    if isinstance(n_folds, Integral) and seconds > 0:
        shares.append(f"{seconds * n_folds / 3600:.2g} CPU hours")
    return ", ".join(shares) or "none"
