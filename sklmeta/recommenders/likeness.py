"""What recommenders share that weigh the known tasks by how like the new one they are."""

from __future__ import annotations

import numpy as np

from sklmeta.recommenders.averages import GrowingAverage, joint_products, portfolio_for_average, typical_spread
from sklmeta.recommenders.contributions import contributions
from sklmeta.recommenders.kernels import above_median, greedy_portfolio, rank_places, standardised, upper_span
from sklmeta.recommenders.portfolio import Portfolio
from sklmeta.recommenders.recommendation import Question

# Picks, after which one more of the best scores counts: the best alone saturates, and an average uses many. In
# regression it did not pay (see docs/decisions.md).
_WIDEN = {"classification": 4}


class LikenessPortfolio(Portfolio):
    """A portfolio over weighted tasks; how alike two tasks are is up to the subclass.

    The first pick has the best weighted mean of two views of a score, how far it is above the task's median and its
    rank; the next ones raise the weighted mean of the best score so far the most; in classification after four picks of
    the best two scores, after eight of the best three, and so on. A task where more is to be gained
    counts more, by the square root of its span: halfway between scores that are all scaled alike, which care for
    trifles, and scores as they are, which the hardest tasks rule.
    """

    def _learn(self) -> None:
        self.scaled_ = above_median(self.scores_)
        self.promise_: np.ndarray = (self.scaled_ + rank_places(self.scores_)) / 2
        stakes = np.sqrt(upper_span(self.scores_))
        self.stakes_: np.ndarray = stakes / (stakes.mean() or 1.0)
        self.at_stake_: np.ndarray = np.asfortranarray(self.scaled_ * self.stakes_[:, None])
        self.products_, self.joint_rows_, self.joint_columns_ = self._joint_errors()
        self.error_unit_ = typical_spread(self.products_) if len(self.products_) else 1.0

    def _prior(self, features: np.ndarray | None) -> np.ndarray:
        if features is None:
            return super()._prior(features)
        return self._alike(standardised(features, self.centre_, self.spread_))

    def _weights_among_known(self) -> np.ndarray:
        if self.standardised_.shape[1] == 0:
            return super()._weights_among_known()
        W = self._alike_among_known() * self.apart_
        sums = W.sum(axis=1, keepdims=True)
        return W / np.where(sums > 0, sums, 1)

    def _alike(self, features: np.ndarray) -> np.ndarray:
        """How much each known task counts for a new one with these standardised meta-features; sums to one."""
        raise NotImplementedError

    def _alike_among_known(self) -> np.ndarray:
        """`_alike` for each known task, which is alike itself; shape (n_tasks, n_tasks)."""
        return np.array([self._alike(row) for row in self.standardised_])

    def _order(self, asked: Question) -> list[int]:
        return self._list(asked, self.at_stake_, asked.w)

    def _list(self, asked: Question, scenarios: np.ndarray, shares: np.ndarray) -> list[int]:
        """The first pick by the weights of the known tasks; the next ones by scenarios, and how much these count."""
        tried, columns = asked.that_worked, asked.columns
        first = None if tried else int(columns[np.argmax(self._merits(columns, self._expecting(asked)))])
        if asked.average and len(self.products_):
            return portfolio_for_average(
                scenarios,
                shares,
                asked.n,
                GrowingAverage(self.products_, self.joint_columns_),
                shares[self.joint_rows_],  # where errors are unknown, there is nothing to expect of an average
                self.error_unit_,
                columns=columns,
                tried=tried,
                first=first,
                worth=asked.worth,
            )
        widen = _WIDEN.get(self.knowledge_.task_type or "")
        return greedy_portfolio(
            scenarios, shares, asked.n, columns=columns, tried=tried, first=first, worth=asked.worth, widen=widen
        )

    def _joint_errors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How errors go together, on which tasks that is known, and of which configurations."""
        joint = self.knowledge_.joint_errors
        if joint is None:
            return np.zeros((0, 0, 0)), np.zeros(0, dtype=int), np.zeros(0, dtype=int)
        told = np.isfinite(joint.products).any(axis=(1, 2))
        row = {task: i for i, task in enumerate(self.knowledge_.tasks)}
        rows = [row[task] for task, known in zip(joint.tasks, told, strict=True) if known]
        columns = [self.position_[c] for c in joint.configurations]
        failed = np.isin(self.knowledge_.status[np.ix_(rows, columns)], ["timeout", "failed"])
        return joint_products(joint.products[told], failed), np.array(rows, dtype=int), np.array(columns, dtype=int)

    def _expecting(self, asked: Question) -> np.ndarray:
        """Weights of the known tasks whose mean is what is expected on the new one before anything was observed."""
        if asked.features is None:
            return asked.prior
        return self._expecting_by(standardised(asked.features, self.centre_, self.spread_), asked.prior)

    def _expecting_by(self, row: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """The same, from standardised meta-features and how much each known task counts; may be negative."""
        return prior

    def _merits(self, columns: np.ndarray, w: np.ndarray) -> np.ndarray:
        """How good a first pick each configuration is."""
        return np.round((w * self.stakes_) @ self.promise_, 9)[columns]

    def _contributions(self, features: np.ndarray | None, columns: np.ndarray) -> dict[str, float]:
        if features is None or len(columns) < 2:
            return {}
        return contributions(
            lambda row: self._merits(columns, self._expecting_by(row, self._alike(row))),
            standardised(features, self.centre_, self.spread_),
            self.groups_,
            self._merits(columns, super()._prior(None)),
        )

    def _reason(self, features: np.ndarray | None, w: np.ndarray, novel: bool, first: bool) -> str:
        why = super()._reason(features, w, novel, first)
        nearest = [str(task.task) for task in self._similar(w)[:3]]
        unlike = "this task resembles none of them" if novel else ""
        if not nearest:
            alike = "their meta-features do not" if features is not None else "there are no meta-features to"
            return f"{why}, all alike, for {unlike or f'{alike} tell them apart'}"
        what = "did best on balance" if first else "adds most to what is tried before it"
        named = ", ".join(nearest)
        if features is not None:
            return f"it {what}, on the known tasks most like this one: {named}"
        also = f"; by its meta-features {unlike}" if novel else ""
        return f"it {what}, on the known tasks where what was tried did as it does here: {named}{also}"
