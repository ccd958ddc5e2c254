"""
A new customer, from a few rows
===============================

Many small related tasks, here fifty customers whose demand reacts to price and season alike but not equally.
For the next customer there are a handful of rows. A model of its own has too little to learn from, one model
for all knows no customer. `meta_train` learns the centre that customers vary around, and how far they do;
the new customer's model stays as close to it as that says.
"""

# %%
# Tasks are pairs of X and y.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV

from sklmeta.gradient import MetaLinearRegressor, meta_train

rng = np.random.default_rng(0)
centre = np.array([-3.0, 2.0, 0.5, 0.0, 1.0, -1.0])


def customer(n_rows):
    """Rows of a customer, whose reactions vary around the centre."""
    reaction = centre + 0.5 * rng.normal(size=6)
    X = rng.normal(size=(n_rows, 6))
    return X, 100 + X @ reaction + rng.normal(size=n_rows)


tasks = [customer(20) for _ in range(50)]
init = meta_train(tasks, model="linear", algorithm="imaml", max_iter=300, random_state=0)
pooled = RidgeCV().fit(*(np.concatenate(parts) for parts in zip(*tasks, strict=True)))

# %%
# Few rows: close to the centre. Many rows: a model of its own. The strength was learned, too.
shots = (2, 4, 8, 16, 32)
errors = {"own ridge": [], "one model for all": [], "meta-learned": []}
for n_shots in shots:
    new = [customer(n_shots + 200) for _ in range(100)]
    models = {"own ridge": RidgeCV(), "meta-learned": MetaLinearRegressor(init=init)}
    for name in errors:
        scores = []
        for X, y in new:
            model = pooled if name == "one model for all" else models[name].fit(X[:n_shots], y[:n_shots])
            scores.append(np.square(model.predict(X[n_shots:]) - y[n_shots:]).mean())
        errors[name].append(np.mean(scores))
        print(f"{n_shots:2d} rows, {name}: {np.mean(scores):.2f}")

for name, values in errors.items():
    plt.plot(shots, values, "o-", label=name)
plt.xscale("log")
plt.xlabel("rows of the new customer")
plt.ylabel("mean squared error")
plt.legend()
plt.show()

# %%
# Rows go on arriving: `partial_fit` is recursive least squares here, the same as fitting at once.
X, y = customer(30)
model = MetaLinearRegressor(init=init)
for i in range(0, 30, 5):
    model.partial_fit(X[i : i + 5], y[i : i + 5])
print(np.allclose(model.coef_, MetaLinearRegressor(init=init).fit(X, y).coef_))

# %%
# And when this customer is known, the centre learns from it: a new value, the old one stays as it is.
init = init.update((X, y), random_state=0)
print(init)
