"""TwoStage: candidates of a few models, ranked again by trees."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import FloatDistribution, IntDistribution
from scipy.sparse import csr_array

from recmeta.algorithms import _boosted_trees as trees
from recmeta.algorithms import _two_stage as stages
from recmeta.algorithms import get
from recmeta.algorithms._base import Cost, Recommender, _check_counts
from recmeta.algorithms._candidates import Items, items_of, pairs_of
from recmeta.space import Space


class TwoStage(Recommender):
    """The best items of a few models are ranked again by gradient boosted trees (LambdaRank).

    A share ``held_out`` of the interactions of n_train_users users is put aside (up to three times
    anew where there are fewer users). The models are fitted on the rest, and list n_candidates
    items for each of those users; the trees learn to rank what was put aside before n_negatives
    others of these, from the scores and ranks of the models, popularity, and likeness to the
    history (``_candidates``). Then the models are fitted on everything; what one has chosen in its
    first fit (PureSVD: n_factors) is kept. score = ln(1 + exp(f)), f the sum of the trees; where
    nothing could be learned, the mean reciprocal rank. Other items are not recommended.

    Time is up to four times the models', plus n_train_users * n_negatives * n_trees; memory theirs,
    plus 4 bytes for each pair and feature.

    Parameters
    ----------
    candidates : tuple of str
        Models of the first stage, with their defaults: inductive ones that need nothing but X.
    n_candidates : int
        Items that each of them lists.
    held_out : float
        Share of a history that is put aside.
    n_negatives : int
        Pairs of a user that were not put aside, drawn for the trees to learn from, at most.
    n_trees, n_leaves, min_leaf : int
        Trees, leaves of each, and pairs in each leaf, at least.
    n_train_users : int
        Users that the trees learn from, at most.
    random_state : int or None

    Attributes
    ----------
    trees_ : uint8 array, (n_bytes,)
        The text of LightGBM's model; empty where nothing could be learned.
    popularity_, neighbours_, similarities_ : arrays, (n_items,), (n_items, 50), (n_items, 50)
        Share of the items with fewer interactions; the items most like each.
    stage0_..., stage1_... :
        What the models have learned, in the order of candidates.

    References
    ----------
    Covington, Adams, Sargin, Deep neural networks for YouTube recommendations, RecSys 2016,
    doi:10.1145/2959100.2959190 (two stages). Burges, From RankNet to LambdaRank to LambdaMART,
    MSR-TR-2010-82. Ke et al., LightGBM, NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.tile(np.eye(2).repeat(4, axis=1), (8, 1)) * (np.arange(16)[:, None] % 7 != range(8))
    >>> TwoStage(candidates=("ItemKNN", "TopPopular")).fit(X).recommend(X[:1], k=1)[0]
    array([[0]], dtype=int32)
    """

    space: ClassVar[Space] = {
        "n_candidates": IntDistribution(20, 200, log=True),
        "held_out": FloatDistribution(0.1, 0.5),
        "n_trees": IntDistribution(30, 300, log=True),
        "n_leaves": IntDistribution(4, 64, log=True),
        "min_leaf": IntDistribution(10, 500, log=True),
    }
    family = "two-stage"
    tiny: ClassVar[dict[str, Any]] = {"candidates": ("ItemKNN", "TopPopular"), "min_leaf": 5}

    def __init__(
        self,
        candidates: tuple[str, ...] = ("ItemKNN", "RP3beta", "UserKNN", "PureSVD", "TopPopular"),
        n_candidates: int = 100,
        held_out: float = 0.2,
        n_negatives: int = 50,
        n_trees: int = 100,
        n_leaves: int = 8,
        min_leaf: int = 200,
        n_train_users: int = 10_000,
        random_state: int | None = 0,
    ) -> None:
        self.candidates = candidates
        self.n_candidates = n_candidates
        self.held_out = held_out
        self.n_negatives = n_negatives
        self.n_trees = n_trees
        self.n_leaves = n_leaves
        self.min_leaf = min_leaf
        self.n_train_users = n_train_users
        self.random_state = random_state

    def _fit(self, X: csr_array) -> None:
        counts = "n_candidates", "n_negatives", "n_trees", "min_leaf", "n_train_users"
        _check_counts(**{name: getattr(self, name) for name in counts})
        if self.n_leaves < 2 or not 0 < self.held_out < 1:
            raise ValueError("n_leaves must be at least 2 and held_out between 0 and 1")
        self.trees_, chosen = self._learned_trees(X, self.random_state)
        for name in [name for name in vars(self) if name.startswith("stage")]:
            delattr(self, name)  # of an earlier fit
        models = stages.fitted(self.candidates, X, self.random_state, chosen)
        self.__dict__.update(stages.state_with_prefixes(models))
        self.popularity_, self.neighbours_, self.similarities_ = items_of(X)

    def _learned_trees(self, X: csr_array, seed: int | None) -> tuple[NDArray[np.uint8], Any]:
        """Also what the models have chosen of their parameters when they were first fitted."""
        rng, lessons, chosen = np.random.default_rng(seed), [], None
        users, draws = stages.draws_of(X, self.n_train_users, self.held_out, rng)
        for held in draws:
            rest = stages.without(X, held)
            models = stages.fitted(self.candidates, rest, seed, chosen)
            chosen = chosen or stages.chosen_by(models)
            found = stages.lessons(models, rest, users, held, self.n_candidates)
            lessons += [stages.with_few_others(some, self.n_negatives, rng) for some in found]
            del rest, models  # before the next
        params = {"num_leaves": self.n_leaves, "min_data_in_leaf": self.min_leaf}
        params["seed"] = int(rng.integers(2**31))
        data = trees.binned(lessons, params)
        del lessons  # before the training
        return trees.trees_of(data, params, self.n_trees), chosen

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        models = stages.models_of(self.candidates, vars(self))
        items = Items(self.popularity_, self.neighbours_, self.similarities_)
        pairs = pairs_of(models, X, users, items, self.n_candidates)
        scores = np.zeros(X.shape, dtype=np.float32)
        scores[pairs.rows, pairs.items] = trees.values_of(self.trees_, pairs.features, len(models))
        return scores

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        model = cls(**params)
        costs = [get(name).cost(n_users, n_items, nnz) for name in model.candidates]
        n_models, n_train = len(costs), min(n_users * stages.MOST_DRAWS, model.n_train_users)
        n_fits = 1 + min(max(model.n_train_users // max(n_users, 1), 1), stages.MOST_DRAWS)
        learned = n_train * min(1.2 * model.n_negatives, n_items, model.n_candidates * n_models / 2)
        seconds = n_fits * sum(cost.seconds for cost in costs) + 1e-8 * n_train * n_items * n_models
        size = sum(cost.bytes for cost in costs) + 8.0 * learned * (2 * n_models + 10)
        return Cost(0.2 + seconds + 3e-7 * learned * model.n_trees, size)
