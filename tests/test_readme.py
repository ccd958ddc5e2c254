"""Every block of Python in the README runs as written, one after the other."""

import re
import warnings
from pathlib import Path

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
    assert "expected accuracy" in printed
    assert "KnowledgeBase(classification, 3 tasks, 3 configurations" in printed
    assert namespace["model"].score(namespace["X_test"], namespace["y_test"]) > 0.9
    assert namespace["meta"].best_estimator_[-1].get_params().get("kernel", "linear") == "linear"
    assert len(namespace["both"]) >= len(namespace["load_knowledge"]("classification"))
