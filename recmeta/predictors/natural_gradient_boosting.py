"""Natural gradient boosting: trees that follow the mean and the deviation of a normal."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._groups import held_out_folds
from recmeta.predictors._normal_score import (
    log_score,
    longest_step,
    moved,
    natural_gradient,
    start_of,
)

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

N_FOLDS = 4


class NaturalGradientBoosting(FeaturePredictor):
    """t ~ N(mu(z), sigma(z)^2), both boosted along the natural gradient of the log score.

    With e = t - mu and theta = (mu, ln sigma), the gradient of -ln p by theta is
    (-e / sigma^2, 1 - e^2 / sigma^2), the Fisher information diag(1 / sigma^2, 2), so the natural
    gradient is (-e, (1 - e^2 / sigma^2) / 2). Each round fits a tree to either part on a random
    share of the rows and steps against it, by learning_rate times the longest of 1, 1/2, 1/4, ...
    with which the score falls. Rounds are as many as the score of held-out folds is best with, at
    most ``n_rounds``; slope and offset of the variance come from the same folds (``_calibration``).

    Time is 2 (N_FOLDS + 1) n_rounds d' n log n.

    Parameters
    ----------
    n_rounds : int
    learning_rate : float
    max_depth : int
        Of a tree.
    min_leaf : int
        Rows in a leaf, at least.
    row_share, column_share : float
        Share of the rows that a round, and of the columns that a split looks at.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None

    Attributes
    ----------
    start_ : float64 array, (2,)
        Mean and logarithm of the deviation of t.
    rounds_ : list of (float, tree, tree)
        Step times learning rate, and the trees of mu and of ln sigma.
    calibration_ : Calibration

    References
    ----------
    Duan et al. (2020), NGBoost: natural gradient boosting for probabilistic prediction,
    arXiv:1910.03225.
    """

    takes_missing = True
    tiny: ClassVar[dict[str, Any]] = {"n_rounds": 60, "learning_rate": 0.1}

    def __init__(
        self,
        *,
        n_rounds: int = 200,
        learning_rate: float = 0.06,
        max_depth: int = 4,
        min_leaf: int = 2,
        row_share: float = 0.7,
        column_share: float = 0.5,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.n_rounds = n_rounds
        self.learning_rate = learning_rate
        self.max_depth = max_depth
        self.min_leaf = min_leaf
        self.row_share = row_share
        self.column_share = column_share
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        held_out = np.empty((self.n_rounds + 1, 2, len(t)))  # theta after each round
        for fold in held_out_folds(groups, rng, N_FOLDS):
            rest = np.setdiff1d(np.arange(len(t)), fold)
            start, rounds = self._boosted(Z[rest], t[rest], self.n_rounds, rng)
            held_out[:, :, fold] = _path(start, rounds, Z[fold], self.n_rounds)
        scores = [log_score(theta, t).mean() for theta in held_out]
        best = int(np.argmin(scores))
        self.calibration_ = calibrated(t - held_out[best, 0], np.exp(2 * held_out[best, 1]))
        self.start_, self.rounds_ = self._boosted(Z, t, best, rng)

    def _boosted(
        self, Z: F64, t: F64, n_rounds: int, rng: np.random.Generator
    ) -> tuple[F64, list[tuple[float, Any, Any]]]:
        rows, start = Z.astype(np.float32), start_of(t)
        theta, rounds = np.tile(start[:, None], len(t)), []
        n_drawn = max(int(np.ceil(self.row_share * len(t))), 1)
        for _ in range(n_rounds):
            drawn = np.sort(rng.permutation(len(t))[:n_drawn])
            trees = self._trees(rows[drawn], natural_gradient(theta, t)[:, drawn], rng)
            direction = _values(trees, rows)
            longest = longest_step(theta[:, drawn], direction[:, drawn], t[drawn])
            theta = moved(theta, self.learning_rate * longest * direction)
            rounds.append((self.learning_rate * longest, *trees))
        return start, rounds

    def _trees(self, rows: NDArray[np.float32], parts: F64, rng: np.random.Generator) -> list[Any]:
        from sklearn import config_context  # takes a second to import
        from sklearn.tree import DecisionTreeRegressor

        with config_context(skip_parameter_validation=True):  # half the time of a small tree
            return [
                DecisionTreeRegressor(
                    max_depth=self.max_depth,
                    min_samples_leaf=self.min_leaf,
                    max_features=self.column_share,
                    random_state=int(rng.integers(2**31)),
                ).fit(rows, part)
                for part in parts
            ]

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        mean, log_std = _path(self.start_, self.rounds_, Z, len(self.rounds_))[-1]
        return mean, self.calibration_(np.exp(2 * log_std))


def _values(trees: Any, rows: NDArray[np.float32]) -> F64:
    return np.stack([tree.tree_.predict(rows)[:, 0] for tree in trees])


def _path(start: F64, rounds: list[tuple[float, Any, Any]], Z: F64, length: int) -> F64:
    """theta of each row before the first and after each round, (length + 1, 2, n_rows)."""
    rows = Z.astype(np.float32)
    theta = np.empty((length + 1, 2, len(Z)))
    theta[0] = start[:, None]
    for at, (step, *trees) in enumerate(rounds, start=1):
        theta[at] = moved(theta[at - 1], step * _values(trees, rows))
    return theta
