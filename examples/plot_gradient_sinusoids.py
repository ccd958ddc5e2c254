"""
Learning to fit a sine from five points
=======================================

Sines of any amplitude and phase are a family of tasks. A perceptron that starts from random weights cannot
tell from five points which one it sees; one that was meta-trained on other sines can, after a few gradient
steps (Finn et al. 2017). This example trains for well under a minute; by default `meta_train` goes on about
ten times as long, and gets more exact.
"""

# %%
# A sampler draws a task: support rows to adapt on, and query rows to judge by.
import matplotlib.pyplot as plt
import numpy as np

from sklmeta.gradient import Episode, MetaMLPRegressor, meta_train


def sine(rng, n_support=5, n_query=10):
    """A task: a sine of its own amplitude and phase."""
    amplitude, phase = rng.uniform(0.1, 5), rng.uniform(0, np.pi)
    X = rng.uniform(-5, 5, size=(n_support + n_query, 1))
    y = amplitude * np.sin(X[:, 0] - phase)
    return Episode(X[:n_support], y[:n_support], X[n_support:], y[n_support:])


init = meta_train(sine, model="mlp", algorithm="maml", max_iter=1500, random_state=0)
print(init)

# %%
# The learning curve: the query loss after adaptation, in scaled units.
plt.plot(init.history["iteration"], init.history["loss"])
plt.xlabel("outer iteration")
plt.ylabel("query loss after adaptation")
plt.show()

# %%
# A new task, and five of its points. One step already takes the meta-learned start to the right sine.
rng = np.random.default_rng(7)
task = sine(rng, n_query=200)
order = task.X_query[:, 0].argsort()
grid, truth = task.X_query[order], task.y_query[order]

plt.plot(grid, truth, "k", label="truth")
plt.plot(task.X_support, task.y_support, "k^", label="five points")
for n_steps, style in [(0, ":"), (1, "--"), (10, "-")]:
    adapted = MetaMLPRegressor(init=init, n_steps=n_steps).fit(task.X_support, task.y_support)
    plt.plot(grid, adapted.predict(grid), "C0" + style, label=f"meta-learned, {n_steps} steps")
scratch = MetaMLPRegressor(random_state=0).fit(task.X_support, task.y_support)
plt.plot(grid, scratch.predict(grid), "C1-", label="from scratch, 300 steps")
plt.legend()
plt.show()

# %%
# Over many tasks:
tasks = [sine(rng, n_query=100) for _ in range(100)]


def mean_squared_error(model):
    """Over query rows of all tasks."""
    errors = [np.square(model.fit(t.X_support, t.y_support).predict(t.X_query) - t.y_query).mean() for t in tasks]
    return np.mean(errors)


print(f"meta-learned, 5 steps: {mean_squared_error(MetaMLPRegressor(init=init)):.2f}")
print(f"from scratch:          {mean_squared_error(MetaMLPRegressor(random_state=0, n_steps=100)):.2f}")
