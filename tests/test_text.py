import numpy as np
import pandas as pd
import pytest
from doubles import FEW_TREES
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline

from sklmeta import MetaClassifier
from sklmeta.preprocessing import TabularPreprocessor
from sklmeta.text import TextComponents, is_free_text

GOOD, BAD = ["great", "lovely", "works", "happy"], ["broken", "awful", "refund", "angry"]
FILLER = [f"word{k}" for k in range(40)]


def reviews(n=300, seed=0):
    rng = np.random.RandomState(seed)
    y = rng.randint(0, 2, n)
    said = [" ".join([*rng.choice(FILLER, 6), rng.choice(GOOD if one else BAD), *rng.choice(FILLER, 3)]) for one in y]
    return pd.DataFrame({"price": rng.rand(n), "review": said, "shop": rng.choice(["a", "b"], n)}), y


X, Y = reviews()


def test_what_is_free_text():
    assert is_free_text(X["review"], 30)
    assert is_free_text(X["review"].astype("string"), 30)
    assert is_free_text(X["review"].mask(X["price"] > 0.5), 30)
    assert not is_free_text(X["review"].astype("category"), 30), "who says category means it"
    assert not is_free_text(X["shop"], 30)
    assert not is_free_text(X["review"].iloc[:30], 30)
    codes = pd.Series([f"part-{k}" for k in range(300)])
    assert not is_free_text(codes, 30), "one word each"
    assert not is_free_text(pd.Series(["one of three"] * 200 + X["review"].tolist()[:100]), 30), "mostly the same"


def test_components_are_scikit_learns():
    words = TfidfVectorizer(strip_accents="unicode", sublinear_tf=True, min_df=2)
    reference = make_pipeline(words, TruncatedSVD(30, random_state=0))
    told, asked = X["review"][:200], X["review"][200:]
    ours = TextComponents()
    np.testing.assert_allclose(ours.fit_transform(told), reference.fit_transform(told))
    np.testing.assert_allclose(ours.transform(asked), reference.transform(asked))


@pytest.mark.parametrize(
    ("cells", "n_columns"),
    [
        ([None, np.nan, ""], 1),
        (["a b", "?", "1"], 1),
        (["yes", "yes yes", None], 1),
        (["red car", "blue car", None], 2),
    ],
)
def test_hardly_any_words(cells, n_columns):
    found = TextComponents(n_components=2)
    assert found.fit_transform(pd.Series(cells, dtype=object)).shape == (3, n_columns)
    assert found.transform(pd.Series(["something else", None], dtype=object)).shape == (2, n_columns)
    assert len(found.get_feature_names_out()) == n_columns


@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"categories": "ordinal"}, {"categories": "native"}])
def test_tables_with_text_become_numbers(settings):
    two = X.assign(note=X["review"].iloc[::-1].to_numpy(), size=np.nan)
    step = TabularPreprocessor(**settings).fit(two[:200])
    again = two[200:].copy()
    again.loc[again.index[0], "review"] = None
    ready = step.transform(again)
    names = step.get_feature_names_out()
    assert len(names) == len(set(names)) == ready.shape[1]
    assert {"review_0", "note_0"} <= set(names)
    told = pd.DataFrame(np.asarray(ready, dtype=object), columns=names)
    assert np.isfinite(told.filter(regex="review_|note_").astype(float)).all(axis=None)


@pytest.mark.parametrize("name", ["review__text", "a__", "__", ""])
def test_text_of_any_name(name):
    renamed = X.rename(columns={"review": name})
    step = TabularPreprocessor().fit(renamed)
    assert f"{name}_0" in step.get_feature_names_out()
    np.testing.assert_array_equal(step.transform(renamed), TabularPreprocessor().fit(X).transform(X))


@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"categories": "ordinal"}, {"categories": "native"}])
def test_text_under_scikit_learns_own_setting(settings):
    step = TabularPreprocessor(**settings)
    expected, components = step.fit(X).transform(X), TextComponents().fit(X["review"]).transform(X["review"])
    with config_context(transform_output="pandas"):
        found = TabularPreprocessor(**settings).fit(X).transform(X)
        alone = TextComponents().fit(X["review"]).transform(X["review"])
    np.testing.assert_array_equal(found.to_numpy(dtype=float), np.asarray(expected, float))
    np.testing.assert_array_equal(found.columns, step.get_feature_names_out())
    np.testing.assert_array_equal(alone, components)


def test_array_of_text():
    step = TabularPreprocessor().fit(X.to_numpy(dtype=object))
    np.testing.assert_allclose(step.transform(X.to_numpy(dtype=object)), TabularPreprocessor().fit(X).transform(X))


def test_what_was_text_stays_text():
    step = TabularPreprocessor().fit(X)
    few = X.iloc[:2].assign(review=["great", "awful"])
    assert step.transform(few).shape == (2, len(step.get_feature_names_out()))
    assert step.transform(X.iloc[:2].assign(review=[1.0, np.nan])).shape[0] == 2


def test_words_are_learned_from():
    unseen, truth = reviews(seed=1)
    meta = MetaClassifier(n_iter=8, cv=3, random_state=0).set_params(**FEW_TREES).fit(X, Y)
    assert meta.score(unseen, truth) > 0.8
    without = clone(meta).fit(X.drop(columns="review"), Y)
    assert without.score(unseen.drop(columns="review"), truth) < 0.65
