"""Docstrings say what the signatures say, and their examples run."""

import doctest
import importlib
import inspect
import pkgutil
import re
import warnings

import pytest

import sklmeta

MODULES = sorted(info.name for info in pkgutil.walk_packages(sklmeta.__path__, "sklmeta.") if "._" not in info.name)


def public_objects():
    found = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for label, thing in vars(module).items():
            mine = getattr(thing, "__module__", "") == name and not label.startswith("_")
            if mine and (inspect.isclass(thing) or inspect.isfunction(thing)):
                found[f"{name}.{label}"] = thing
    return found


PUBLIC = public_objects()


def described_parameters(doc):
    """Name -> type line, from the Parameters section of a numpydoc docstring; None without one.

    Names without a type are described elsewhere ("See `MetaEstimator`"): their type line is empty.
    """
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-{3,}\n|\Z)", inspect.cleandoc(doc), re.DOTALL | re.MULTILINE
    )
    if section is None:
        return None
    described = {}
    for names, kind in re.findall(r"^([\w*, ]+?)(?: : (.*))?$", section.group(1), re.MULTILINE):
        described.update({name.strip().lstrip("*"): kind for name in names.split(",") if name.strip()})
    return described


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_things_have_a_docstring(name):
    assert (PUBLIC[name].__doc__ or "").strip(), f"{name} has none"


def public_methods():
    """Methods, of what packages export, that are written in sklmeta itself."""
    found = {}
    for package in (
        "sklmeta",
        *(f"sklmeta.{room}" for room in ("recommenders", "knowledge", "metafeatures", "gradient", "integrations")),
    ):
        module = importlib.import_module(package)
        for thing in (getattr(module, name) for name in module.__all__):
            if not inspect.isclass(thing):
                continue
            for base in thing.__mro__:
                if not base.__module__.startswith("sklmeta"):
                    continue
                for label, method in vars(base).items():
                    method = getattr(method, "__func__", method)
                    if not label.startswith("_") and inspect.isfunction(method):
                        found[f"{base.__module__}.{base.__qualname__}.{label}"] = method
    return found


METHODS = public_methods()
VARIABLE = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
EVERY = {**PUBLIC, **METHODS}


def own_parameters(thing):
    parameters = inspect.signature(thing).parameters
    return {name: p for name, p in parameters.items() if name not in ("self", "cls") and not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(METHODS))
def test_public_methods_have_a_docstring(name):
    assert (METHODS[name].__doc__ or "").strip(), f"{name} has none"


@pytest.mark.parametrize("name", sorted(EVERY))
def test_described_parameters_are_the_signatures(name):
    described = described_parameters(EVERY[name].__doc__ or "")
    if described is not None:  # small parts say it in a line; a table must be whole, and in order
        assert list(described) == list(own_parameters(EVERY[name]))


@pytest.mark.parametrize("name", sorted(EVERY))
def test_stated_defaults_are_the_signatures(name):
    described = described_parameters(EVERY[name].__doc__ or "")
    parameters = own_parameters(EVERY[name]) if described else {}
    for label, kind in (described or {}).items():
        if not kind or parameters[label].kind in VARIABLE or label == "y":  # y=None is scikit-learn's way of "required"
            continue
        default = parameters[label].default
        stated = re.search(r"default=(.+?)$", kind)
        if stated is None:
            assert default is inspect.Parameter.empty, f"{label} has the default {default!r}, which is not stated"
        elif "factory" not in repr(default):
            expected = getattr(default, "__name__", repr(default))
            assert stated.group(1).strip("` ").replace('"', "'") == expected, label


@pytest.mark.parametrize("name", sorted({n for n in sklmeta.__all__ if not n.startswith("_")}))
def test_what_the_package_exports_is_described_whole(name):
    thing = getattr(sklmeta, name)
    if own_parameters(thing):
        assert described_parameters(thing.__doc__) is not None, "no Parameters section"
    assert ">>>" in thing.__doc__, "no example"


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        failed, _ = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


def test_public_names_are_all_there():
    for name in sklmeta.__all__:
        assert hasattr(sklmeta, name)
