import numpy as np
import pandas as pd
import pytest

from sklmeta.gradient import Episode
from sklmeta.gradient.episodes import ListedTasks, SampledTasks, split_support


def task(n_rows=12, n_classes=3):
    return np.arange(2.0 * n_rows).reshape(n_rows, 2), np.arange(n_rows) % n_classes


def test_an_episode_turns_lists_into_arrays():
    episode = Episode([[1, 2], [3, 4]], ["a", "b"], [[5, 6]], ["a"])
    assert episode.X_support.dtype == float
    assert episode.y_support.tolist() == ["a", "b"]
    assert repr(episode) == "Episode(2 support rows, 1 query rows, 2 features)"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (([[1.0]], [1.0], [[1.0, 2.0]], [1.0]), "X_support has 1 features and X_query 2"),
        (([1.0], [1.0], [[1.0]], [1.0]), r"episode's support has X of shape \(1,\) and y of shape \(1,\)"),
        (([[1.0]], [1.0], [[1.0]], [1.0, 2.0]), r"episode's query has X of shape \(1, 1\) and y of shape \(2,\)"),
        (([[np.nan]], [1.0], [[1.0]], [1.0]), "episode's support contains NaN or infinity; impute"),
        (([[1.0]], [np.inf], [[1.0]], [1.0]), "episode's support contains NaN or infinity"),
        (([["a"]], [1.0], [[1.0]], [1.0]), "episode's support is no dense array of numbers .* encode categories"),
        ((np.empty((0, 1)), [], [[1.0]], [1.0]), "episode's support has no rows"),
    ],
)
def test_an_episode_that_is_none_says_where(rows, message):
    with pytest.raises(ValueError, match=message):
        Episode(*rows)


def test_a_split_takes_shots_of_every_class(rng):
    _, y = task(30)
    support = split_support(y, 2, True, rng)
    assert np.bincount(y[support]).tolist() == [2, 2, 2]
    assert split_support(y, 7, False, rng).sum() == 7
    assert split_support(y, None, False, rng).sum() == 15


def test_support_and_query_share_no_row_and_cover_the_task(rng):
    X, y = task(13)
    episode = ListedTasks([(X, y)], 2, None).stratified(True).draw(rng, 1)[0]
    rows = np.concatenate([episode.X_support, episode.X_query])
    np.testing.assert_array_equal(rows[rows[:, 0].argsort()], X)
    assert len(ListedTasks([(X, y)], 2, 4).stratified(True).draw(rng, 1)[0].y_query) == 4


def test_a_draw_takes_different_tasks(rng):
    tasks = [(np.full((4, 1), i), np.arange(4.0)) for i in range(10)]
    drawn = ListedTasks(tasks, None, None).stratified(False).draw(rng, 6)
    assert len({episode.X_support[0, 0] for episode in drawn}) == 6


def test_given_episodes_stay_as_they_are(rng):
    episode = Episode([[1.0]], [1.0], [[2.0]], [2.0])
    assert ListedTasks([episode], 1, None).stratified(False).draw(rng, 1) == [episode]


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], "No tasks were given"),
        ([task(), (np.ones((3, 2)), np.ones(3, dtype=int))], "Task 1 has one class, "),
        ([(np.ones((2, 1)), np.arange(2))], r"Task 0 has too few rows .*: 1 of its largest class, and 2 are needed;"),
        ([(np.full((3, 2), np.nan), np.arange(3))], "task 0 contains NaN"),
    ],
)
def test_tasks_that_cannot_be_split_say_which(tasks, message):
    with pytest.raises(ValueError, match=message):
        ListedTasks(tasks, None, None).stratified(True)


def frame(*names):
    return pd.DataFrame(np.arange(4.0 * len(names)).reshape(4, -1), columns=list(names))


def test_tasks_whose_columns_differ_say_which():
    y = np.arange(4.0)
    same = [(frame("a", "b"), y), (np.ones((4, 2)), y), (frame(0, 1), y), Episode(frame("a", "b"), y, np.eye(2), y[:2])]
    assert ListedTasks(same, None, None).names == ("a", "b")
    assert ListedTasks(same[1:3], None, None).names is None
    swapped = "'b' where 'a' was expected, 'a' where 'b' was expected: give every task the same columns in the same"
    for task in ((frame("b", "a"), y), Episode(frame("b", "a"), y, frame("b", "a"), y)):
        with pytest.raises(ValueError, match=f"Task 4 has the column {swapped}"):
            ListedTasks([*same, task], None, None)
    with pytest.raises(ValueError, match="'c' where None was expected"):
        ListedTasks([*same, (frame("a", "b", "c"), y)], None, None)
    with pytest.raises(ValueError, match="'d' where 'w' was expected and so on: give"):
        ListedTasks([(frame(*"xyzwv"), y), (frame(*"abzdefg"), y)], None, None)
    with pytest.raises(ValueError, match=f"The episode's query has the column {swapped}"):
        Episode(frame("a", "b"), y, frame("b", "a"), y)


def test_a_sampler_whose_columns_change_says_so(rng):
    y = np.arange(4.0)
    episodes = iter([Episode(frame(*names), y, frame(*names), y) for names in ("ab", "ab", "ba")])
    with pytest.raises(ValueError, match="An episode of the sampler has the column 'b' where 'a' was expected"):
        SampledTasks(lambda rng: next(episodes)).draw(rng, 3)


def test_too_few_rows_for_the_shots_says_how_many():
    with pytest.raises(ValueError, match="4 in all, and 6 are needed with n_shots=5; leave it out or lower"):
        ListedTasks([(np.ones((4, 1)), np.arange(4.0))], 5, None).stratified(False)


def test_what_is_no_task_or_episode_says_so(rng):
    with pytest.raises(TypeError, match="Task 0 is ndarray; a task is"):
        ListedTasks([np.ones(3)], None, None)
    with pytest.raises(TypeError, match="The sampler returned tuple; it takes a numpy Generator"):
        SampledTasks(lambda rng: ([[1.0]], [1.0])).draw(rng, 1)
