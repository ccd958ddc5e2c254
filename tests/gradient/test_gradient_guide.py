"""Every block of Python in the guide runs as written, one after the other, and shows what the text says."""

import re
import warnings
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "gradient_guide.md"


def test_the_guides_blocks_run_in_order():
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 6
    names = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for block in blocks:
            exec(compile(block, str(GUIDE), "exec"), names)
    X, y, alone = names["X"], names["y"], names["alone"]
    five_rows = names["MetaLinearRegressor"](init=names["init"]).fit(X[:5], y[:5])
    assert five_rows.score(X[5:], y[5:]) > alone.score(X[5:], y[5:]) + 0.05
    assert set(names["search"].cv_results_["estimator"]) == {"adapted", "ridge", "forest"}
    assert names["later"].provenance["n_updates"] == 5
    assert 0 < abs(names["later"].weights - names["init"].weights).max() < 0.5
