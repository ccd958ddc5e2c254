import inspect
import re

import pytest

import sklmeta.gradient
from sklmeta.gradient import MetaInit, meta_train

PUBLIC = [getattr(sklmeta.gradient, name) for name in sklmeta.gradient.__all__]
CALLABLES = [*(kind for kind in PUBLIC if isinstance(kind, type) and kind is not MetaInit), meta_train, MetaInit.update]


@pytest.mark.parametrize("documented", CALLABLES, ids=lambda d: d.__qualname__)
def test_documented_parameters_and_defaults_are_those_of_the_signature(documented):
    text = inspect.getdoc(documented).split("Parameters\n")[1].split("\n\n")[0]
    said = dict(re.findall(r"^\**(\w+)(?:, \w+)* : (.*)$", text, flags=re.MULTILINE))
    parameters = {k: p for k, p in inspect.signature(documented).parameters.items() if k != "self"}
    assert list(said) == list(parameters)
    for name, parameter in parameters.items():
        default = re.search(r"default=(.+)$", said[name])
        if parameter.default is inspect.Parameter.empty:
            assert default is None
        else:
            assert default[1].strip('"') == str(parameter.default)
