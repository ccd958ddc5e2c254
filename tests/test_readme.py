"""Every block of Python in the README runs as written, one after the other."""

import re
import warnings
from difflib import SequenceMatcher
from pathlib import Path

import sklearn

README = Path(__file__).parent.parent / "README.md"


def test_readme_blocks_run_in_order(capsys):
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 3
    namespace = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in blocks:
            exec(compile(block, str(README), "exec"), namespace)
    printed = capsys.readouterr().out
    shown = re.search(r"```text\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)[1].split()
    alike = SequenceMatcher(None, shown, printed.split()[: len(shown)]).ratio()
    if sklearn.__version__ == namespace["load_knowledge"]("classification").info["scikit-learn"]:
        assert alike > 0.88, f"README does not show what is printed:\n{printed}"  # last digits are the machine's
    assert "KnowledgeBase(classification, 3 tasks, 3 configurations" in printed
    assert namespace["model"].score(namespace["X_test"], namespace["y_test"]) > 0.9
    assert namespace["meta"].best_estimator_[-1].get_params().get("kernel", "linear") == "linear"
    assert len(namespace["both"]) >= len(namespace["load_knowledge"]("classification"))
