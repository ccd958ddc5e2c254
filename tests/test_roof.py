"""What `import sklmeta` gives."""

import subprocess
import sys

import pytest

import sklmeta


def test_every_public_name_is_there():
    assert set(sklmeta.__all__) <= set(dir(sklmeta))
    for name in sklmeta.__all__:
        assert getattr(sklmeta, name) is getattr(sklmeta, name)


def test_the_roof_names_the_rooms_right():
    for name, room in sklmeta._ROOM_OF.items():
        assert getattr(sklmeta, name).__module__.startswith(f"sklmeta.{room}")
    assert set(sklmeta._ROOM_OF) == set(sklmeta.__all__) - {"__version__"}


def test_what_there_is_not():
    with pytest.raises(AttributeError, match="module 'sklmeta' has no attribute 'MetaForest'"):
        sklmeta.MetaForest  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "not_loaded"),
    [("import sklmeta", "sklearn"), ("import sklmeta.gradient", "sklmeta.catalogue")],
)
def test_rooms_open_when_they_are_entered(statement, not_loaded):
    program = f"import sys; {statement}; sys.exit({not_loaded!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_star_brings_everything():
    program = "from sklmeta import *; MetaClassifier, collect, load_knowledge"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
