"""BANANAS: Bayesian optimisation with a predictor in the place of a Gaussian process."""

from recmeta.predictors._base import Predictor
from recmeta.search._candidates import mutants_of_the_best
from recmeta.search._model_based import ModelBasedStrategy, Optimiser
from recmeta.search.acquisition import Acquisition, independent_thompson


class BANANAS(ModelBasedStrategy):
    """Fit a predictor to the trials, and try the candidates of the highest acquisition.

    1. ``n_initial`` random candidates;
    2. a predictor is fitted to the encodings of the trials and their values;
    3. ``n_candidates`` are made: mutants of the best trials, by default;
    4. the k of them with the highest acquisition are proposed.

    Each part can be exchanged.

    Parameters
    ----------
    predictor : Predictor or None
        None: a random forest.
    encoding : str
        A name that the space's ``encode`` knows; ``"path"`` for cells.
    acquisition : callable
        Of recmeta.search.acquisition, or with its signature; independent Thompson sampling as in
        the paper.
    optimiser : callable
        ``(space, trials, n, taken, rng) -> candidates``; see recmeta.search._candidates.
    n_candidates : int
    n_initial : int

    Notes
    -----
    Time of a call: a fit to all trials and ``n_candidates`` predictions; ask for k > 1 to share it.

    References
    ----------
    White, Neiswanger and Savani (2021), arXiv:1910.11858. Much of its strength comes from mutating
    the incumbent (Schneider et al. 2021, arXiv:2107.07343): ablate with the acquisition
    ``uniform``.
    """

    def __init__(
        self,
        *,
        predictor: Predictor | None = None,
        encoding: str = "path",
        acquisition: Acquisition = independent_thompson,
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
