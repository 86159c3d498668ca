"""NPENAS: evolution that a predictor guides."""

from recmeta.predictors._base import Predictor
from recmeta.search._candidates import mutants_of_the_best
from recmeta.search._model_based import ModelBasedStrategy, Optimiser
from recmeta.search.acquisition import Acquisition, greedy


class NPENAS(ModelBasedStrategy):
    """Mutants of the best trials, ranked by the predicted mean; the first k are tried.

    Parameters
    ----------
    predictor : Predictor or None
        None: a random forest.
    encoding : str
        A name that the space's ``encode`` knows.
    acquisition : callable
        The predicted mean: a deviation is not asked for.
    optimiser : callable
        Makes the mutants.
    n_candidates : int
    n_initial : int

    References
    ----------
    Wei et al. (2020), NPENAS: Neural Predictor Guided Evolution, arXiv:2003.12857.
    """

    def __init__(
        self,
        *,
        predictor: Predictor | None = None,
        encoding: str = "path",
        acquisition: Acquisition = greedy,
        optimiser: Optimiser = mutants_of_the_best,
        n_candidates: int = 100,
        n_initial: int = 10,
    ) -> None:
        self.predictor = predictor
        self.encoding = encoding
        self.acquisition = acquisition
        self.optimiser = optimiser
        self.n_candidates = n_candidates
        self.n_initial = n_initial
