"""Encoders of text, against those of scikit-learn that they are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from sklmeta.level_encoders import LevelOneHotEncoder, LevelOrdinalEncoder

RNG = np.random.default_rng(0)
SEEN = pd.DataFrame(
    {
        "many": [f"level {i}" for i in RNG.geometric(0.02, 400)],
        "gaps": RNG.choice(np.array(["b", "a", "Ä", np.nan], dtype=object), 400),
        "all missing": np.full(400, np.nan, dtype=object),
    },
    index=np.arange(400)[::-1],
    dtype=object,
)
LATER = SEEN.iloc[:50].mask(RNG.random((50, 3)) < 0.2, "new")
ONE_HOT = {"handle_unknown": "infrequent_if_exist", "sparse_output": False}
ORDINAL = {"handle_unknown": "use_encoded_value", "unknown_value": np.nan}


@pytest.mark.parametrize("output", ["default", "pandas"])
@pytest.mark.parametrize("max_categories", [None, 1, 30])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LevelOneHotEncoder(**ONE_HOT), OneHotEncoder(**ONE_HOT)),
        (LevelOrdinalEncoder(**ORDINAL), OrdinalEncoder(**ORDINAL)),
    ],
    ids=["onehot", "ordinal"],
)
def test_they_do_what_scikit_learns_encoders_do(ours, theirs, max_categories, output):
    ours, theirs = (
        clone(e).set_params(max_categories=max_categories).set_output(transform=output) for e in (ours, theirs)
    )
    for rows, found, expected in [
        (SEEN, ours.fit_transform(SEEN), theirs.fit_transform(SEEN)),
        (LATER, ours.transform(LATER), theirs.transform(LATER)),
    ]:
        if output == "pandas":
            pd.testing.assert_frame_equal(found, expected)
            assert found.index.equals(rows.index)
        else:
            np.testing.assert_array_equal(found, expected)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
