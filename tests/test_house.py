"""The floors of the house: a room imports only from lower floors, or from its own; see CONTRIBUTING.md."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "sklmeta"
FLOORS = [
    {"_sklearn", "_joblib", "archives", "exceptions", "configuration", "restoring", "warning_records"},
    {
        "calibration", "checks", "datasets", "ensemble", "gradient", "level_encoders", "metafeatures", "metrics",
        "preprocessing", "space", "text", "thresholds",
    },
    {"knowledge", "catalogue"},
    {
        "recommenders", "evaluation", "measuring", "preparations", "stored", "blends", "blended", "distillation",
        "limits", "members", "scoring", "composition", "winner", "costs", "workers",
    },
    {
        "candidates", "advice", "plan", "results", "search", "refits", "fold_models", "rescue", "conclusion",
        "collecting", "verification", "finalists",
    },
    {"estimators"},
    {"integrations"},
    {"cli"},
]  # fmt: skip
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name not in ("__main__.py",) and p != PACKAGE / "__init__.py")
MAY_PRINT = {"cli.py", "gradient/training.py"}  # the command line, and where `verbose` asks for it
MAY_HIDE = {"pyarrow"}  # optional packages are imported where they are used


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(tree):
    only_for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in only_for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node, node.module or ""


def module(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_from_lower_floors(path):
    assert room(path) in FLOOR, f"{room(path)} has no floor yet: give it one here and in CONTRIBUTING.md"
    for node, name in imports(ast.parse(path.read_text())):
        assert not getattr(node, "level", 0), f"{path.name} has a relative import"
        assert name != "sklmeta", f"{path.name} imports from the roof: name the room"
        if name.startswith("sklmeta."):
            other = name.split(".")[1]
            assert FLOOR[other] <= FLOOR[room(path)], f"{room(path)} imports {name} from a higher floor"


def test_no_import_cycles():
    modules = {module(path) for path in FILES}
    needs = {}
    for path in FILES:
        names = set()
        for node, name in imports(ast.parse(path.read_text())):
            inside = {f"{name}.{alias.name}" for alias in node.names} & modules
            names |= inside or ({name} & modules)
        needs[module(path)] = names
    check_no_cycles(needs)


def test_no_cycles_among_rooms():
    needs = {}
    for path in FILES:
        names = [name.split(".") for _, name in imports(ast.parse(path.read_text()))]
        others = {parts[1] for parts in names if parts[0] == "sklmeta" and len(parts) > 1} - {room(path)}
        needs.setdefault(room(path), set()).update(others)
    check_no_cycles(needs)


def check_no_cycles(needs):
    done = set()

    def visit(name, above):
        assert name not in above, f"cycle: {' -> '.join([*above, name])}"
        if name not in done:
            for other in sorted(needs.get(name, ())):
                visit(other, [*above, name])
            done.add(name)

    for name in needs:
        visit(name, [])


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_stand_at_the_top(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            hidden = {name.split(".")[0] for _, name in imports(node)} - MAY_HIDE
            assert not hidden, f"{path.name}: {node.name} imports {hidden}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_private_scikit_learn_names_live_in_one_file(path):
    if path.name in ("_sklearn.py", "_joblib.py"):
        return
    for node, name in imports(ast.parse(path.read_text())):
        names = [name, *(alias.name for alias in node.names)] if isinstance(node, ast.ImportFrom) else [name]
        if name.split(".")[0] == "sklearn":
            assert not any(part.startswith("_") for n in names for part in n.split(".")), f"{path.name}: {names}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_library_neither_prints_nor_logs(path):
    tree = ast.parse(path.read_text())
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert "print" not in called or path.relative_to(PACKAGE).as_posix() in MAY_PRINT
    assert "logging" not in {name for _, name in imports(tree)}
