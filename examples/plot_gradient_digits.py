"""
Few-shot digits: classes that were never seen
=============================================

Three digits that meta-training never showed are to be told apart from a few images each. Tasks with classes
of their own share a body; the head is made for the classes at hand. A support vector machine that learned
its strength across tasks stands beside the perceptron, and `SVC` that starts from nothing beside both.
"""

# %%
# Six digits to learn from. Turned by a quarter they are digits of another alphabet, which makes 18 classes; a half
# turn would make a nine of a six.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from sklmeta.gradient import Episode, MetaMLPClassifier, MetaSVC, meta_train

images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8) / 16
known = labels < 6
turned = np.concatenate([np.rot90(images[known], k, axes=(1, 2)) for k in (0, 1, 3)])
alphabet = np.concatenate([labels[known] + 10 * k for k in range(3)])


def sampler(X, y, n_shots):
    """A function that draws tasks of three of these classes."""
    X = X.reshape(len(X), -1)

    def draw(rng, n_query=10):
        rows = [
            rng.choice(np.flatnonzero(y == label), n_shots + n_query, replace=False)
            for label in rng.choice(np.unique(y), 3, replace=False)
        ]
        support = np.concatenate([r[:n_shots] for r in rows])
        query = np.concatenate([r[n_shots:] for r in rows])
        return Episode(X[support], y[support], X[query], y[query])

    return draw


# %%
# Pixels share a unit, so they are left unscaled; labels mean something else in each task.
options = {"scale": False, "shared_classes": False, "random_state": 0}
models = {"SVC from scratch": SVC(C=10)}
train = sampler(turned, alphabet, n_shots=5)
perceptron = meta_train(train, "mlp", "maml", hidden_layer_sizes=(200,), max_iter=60, **options)
models["meta-learned perceptron"] = MetaMLPClassifier(init=perceptron, n_steps=50)
machine = meta_train(train, "svm", "imaml", kernel="rbf", n_components=200, max_iter=30, **options)
models["meta-learned SVM"] = MetaSVC(init=machine)
print(f"The machine's strength went from 1 to {machine.regularization:.2f}")

# %%
# Digits six to nine, in tasks of three:
shots = (1, 2, 5, 10)
accuracy = {name: [] for name in models}
for n_shots in shots:
    draw, rng = sampler(images[~known], labels[~known], n_shots), np.random.default_rng(1)
    tasks = [draw(rng) for _ in range(60)]
    for name, model in models.items():
        scores = [model.fit(t.X_support, t.y_support).score(t.X_query, t.y_query) for t in tasks]
        accuracy[name].append(np.mean(scores))
        print(f"{n_shots:2d} images a class, {name}: {np.mean(scores):.3f}")

for name, values in accuracy.items():
    plt.plot(shots, values, "o-", label=name)
plt.xlabel("images of each class")
plt.ylabel("accuracy")
plt.legend()
plt.show()
