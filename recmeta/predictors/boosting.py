"""Gradient boosted trees on bootstrap samples: LightGBM, with an uncertainty that is real."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._groups import bootstrap_counts
from recmeta.predictors._tree_tables import TreeTables

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FIXED: dict[str, Any] = {
    "num_threads": 1,  # a fit is small: a second thread waits longer than it computes
    "verbosity": -1,
    "deterministic": True,
    "force_col_wise": True,
    "feature_pre_filter": False,
    "min_data_in_bin": 1,
    "min_data_in_leaf": 1,  # LightGBM's own 20 leaves nothing to split of 100 rows
}
MANY = 1000  # rows that are worth making tables of the trees
LOWER, UPPER = 0.1587, 0.8413  # one standard deviation around the mean of a normal


class Boosting(FeaturePredictor):
    """Average of ``n_members`` boosted ensembles, each on its own bootstrap sample and seed.

    Without resampling, members differ by nothing: boosting is deterministic, and their deviation
    says 0. A split looks at a random share of the columns, which makes members better together.
    mean = average of the members; variance = theirs, calibrated by out-of-bag rows
    (``_calibration``); with ``quantiles``, plus the square of half the distance of the 16 % and
    84 % quantiles, for which two more ensembles are learned by the pinball loss.

    Time is n_members * n_rounds * d' * n; a query's is n_members * n_rounds a row.

    Parameters
    ----------
    n_members, n_rounds : int
    learning_rate : float
    n_leaves : int
        Of a tree, at most.
    min_leaf : float
        Rows in a leaf, at least, each as often as the bootstrap has it.
    column_share : float
        Share of the columns that each split looks at.
    random_thresholds : bool
        A split looks at one threshold a column, drawn at random, in place of all: better where
        many columns say a little each, worse where a few say much.
    quantiles : bool
        Uncertainty that depends on the row, at three times the cost.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None

    Attributes
    ----------
    boosters_ : list of Booster
        The members, of the mean.
    edges_ : list of Booster
        Those of the lower and the upper quantile, in turn; empty without ``quantiles``.
    calibration_ : Calibration

    References
    ----------
    Ke et al. (2017), LightGBM, NeurIPS.
    Efron (1979), Bootstrap methods, doi:10.1214/aos/1176344552.
    Geurts, Ernst, Wehenkel (2006), Extremely randomized trees, doi:10.1007/s10994-006-6226-1.

    Examples
    --------
    >>> X = np.linspace(0, 1, 40)[:, None]
    >>> mean, std = Boosting().fit(X, X[:, 0] > 0.5).predict(np.array([[0.1], [0.9]]))
    >>> mean.round(1).tolist()
    [0.0, 1.0]
    """

    takes_missing = True
    tiny: ClassVar[dict[str, Any]] = {"n_members": 6, "n_rounds": 30}

    def __init__(
        self,
        *,
        n_members: int = 12,
        n_rounds: int = 50,
        learning_rate: float = 0.2,
        n_leaves: int = 8,
        min_leaf: float = 1.0,
        column_share: float = 0.4,
        random_thresholds: bool = False,
        quantiles: bool = False,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.n_members = n_members
        self.n_rounds = n_rounds
        self.learning_rate = learning_rate
        self.n_leaves = n_leaves
        self.min_leaf = min_leaf
        self.column_share = column_share
        self.random_thresholds = random_thresholds
        self.quantiles = quantiles
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        counts = bootstrap_counts(groups, self.n_members, rng)
        seeds = rng.integers(2**31 - 1, size=self.n_members)
        mean = {"objective": "regression"}
        pairs = list(zip(counts, seeds, strict=True))
        self.boosters_ = [self._boosted(Z, t, *pair, mean) for pair in pairs]
        self.edges_ = [
            self._boosted(Z, t, *pair, {"objective": "quantile", "alpha": level})
            for pair in pairs
            for level in (LOWER, UPPER)
            if self.quantiles
        ]
        out = counts == 0
        seen = out.sum(axis=0) > 1  # rows that two members or more did not learn from
        if seen.sum() < 2:
            out, seen = np.ones_like(out), np.ones(len(t), dtype=bool)
        centre, variance = self._moments(Z[seen], out[:, seen])
        self.calibration_ = calibrated(t[seen] - centre, variance)

    def _boosted(
        self, Z: F64, t: F64, counts: NDArray[np.int64], seed: int, objective: dict[str, Any]
    ) -> Any:
        import lightgbm  # takes a second to import

        drawn = counts > 0
        params = {
            **FIXED,
            **objective,
            "seed": int(seed),
            "learning_rate": self.learning_rate,
            "num_leaves": self.n_leaves,
            "min_sum_hessian_in_leaf": self.min_leaf,  # squared error: the weight of the rows
            "feature_fraction_bynode": self.column_share,
            "extra_trees": self.random_thresholds,
        }
        data = lightgbm.Dataset(Z[drawn], t[drawn], weight=counts[drawn].astype(np.float64))
        return lightgbm.train(params, data, self.n_rounds)

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        mean, variance = self._moments(Z, np.ones((self.n_members, len(Z)), dtype=bool))
        return mean, self.calibration_(variance)

    def _moments(self, Z: F64, counted: NDArray[np.bool_]) -> tuple[F64, F64]:
        """Mean and variance over the members that are counted for each row."""
        members = _asked(self.boosters_, Z)
        n = counted.sum(axis=0)
        mean = (members * counted).sum(axis=0) / n
        variance = ((members - mean) ** 2 * counted).sum(axis=0) / np.maximum(n - 1, 1)
        if self.edges_:
            edges = _asked(self.edges_, Z)
            half = (edges[1::2] - edges[::2]) / 2
            variance += ((half * counted).sum(axis=0) / n) ** 2
        return mean, variance


def _asked(boosters: list[Any], Z: F64) -> F64:
    """What each booster says of each row, (n_boosters, n)."""
    tables = TreeTables.of(boosters) if len(Z) >= MANY else None
    return np.array([booster.predict(Z) for booster in boosters]) if tables is None else tables(Z)
