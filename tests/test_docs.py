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
    """Name -> type line, from the Parameters section of a numpydoc docstring; None without one."""
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-{3,}\n|\Z)", inspect.cleandoc(doc), re.DOTALL | re.MULTILINE
    )
    if section is None:
        return None
    described = {}
    for names, kind in re.findall(r"^([\w*, ]+?) : (.*)$", section.group(1), re.MULTILINE):
        described.update({name.strip().lstrip("*"): kind for name in names.split(",")})
    return described


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_things_have_a_docstring(name):
    assert (PUBLIC[name].__doc__ or "").strip(), f"{name} has none"


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_stated_parameters_and_defaults_are_the_signatures(name):
    thing = PUBLIC[name]
    described = described_parameters(thing.__doc__ or "")
    if not described:
        return  # small parts say it in a line; those with a table must say it right
    signature = inspect.signature(thing).parameters
    for parameter, kind in described.items():
        if parameter not in signature:
            # subclasses of MetaEstimator refer to it by a list of names
            pytest.fail(f"{name} describes {parameter!r}, which it does not have: {list(signature)}")
        default = signature[parameter].default
        stated = re.search(r"default=(.+?)$", kind)
        if stated and default is not inspect.Parameter.empty and "factory" not in repr(default):
            assert stated.group(1).strip("` ").replace('"', "'") == getattr(default, "__name__", repr(default)), (
                f"{name}.{parameter}"
            )
        if not stated and signature[parameter].kind not in (
            inspect.Parameter.VAR_KEYWORD,
            inspect.Parameter.VAR_POSITIONAL,
        ):
            assert default is inspect.Parameter.empty, f"{name}.{parameter} has the default {default!r}, not stated"


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
