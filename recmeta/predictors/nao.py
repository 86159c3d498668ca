"""NAO: neural architecture optimisation by encoder, predictor and decoder (Luo et al. 2018)."""

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from recmeta.predictors import _sequence_network as network
from recmeta.predictors._batched_mlp import import_torch, one_thread
from recmeta.predictors._descent import Adam, calibration_of, descend, left_out
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._tokens import Tokens

if TYPE_CHECKING:
    from torch import Tensor

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BLOCK = 1000  # sequences asked at a time
ERROR_SHARE = 0.8  # of the loss; the rest is for the decoder
WEIGHT_DECAY = 1e-4
MOST_STEPS = 30


class NAO(FeaturePredictor):
    """A sequence is embedded, predicted from its embedding, and read back from it.

    e = the mean of an LSTM's states over the tokens, of norm 1; t is predicted from e by a layer of
    16 units; an LSTM with attention says the tokens again. Minimised, by Adam:
    .8 (t - prediction)^2 - .2 mean log p(token). A better sequence is found where e is moved along
    the gradient of the prediction and decoded: ``generate``.

    X is the encoding "sequence" of an ArchitectureSpace, or any table: each column is a token,
    which stands for a value or, where a column has more than n_levels, for what lies between two
    quantiles. Curves, proxies and the task's meta-features are further tokens, and a missing value
    is one as well.

    The members, each from another start, learn from all rows but one fold; mean = their average,
    variance = theirs, calibrated by the rows that they left out (``_descent``).

    Time is n_epochs n n_members p n_units^2, p the columns.

    Parameters
    ----------
    n_members : int
        Networks; even, 4 or more.
    n_units : int
        Of the LSTMs, and length of the embedding.
    n_levels : int
    n_epochs, batch_size : int
    learning_rate : float
        Of Adam, at the start.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None

    Attributes
    ----------
    tokens_ : Tokens
    weights_ : dict of float32 array
        As in ``_sequence_network``, (n_members, ...) each.
    calibration_ : Calibration

    References
    ----------
    Luo, Tian, Qin, Chen and Liu (2018), Neural architecture optimization, arXiv:1808.07233.

    Examples
    --------
    >>> X = np.random.default_rng(0).integers(3, size=(40, 4)).astype(float)
    >>> model = NAO(n_epochs=5).fit(X, X.sum(axis=1))
    >>> mean, std = model.predict(X[:5])
    >>> model.generate(X[:5], 2).shape
    (2, 4)
    """

    encoding: ClassVar[str | None] = "sequence"
    requires = "torch"
    takes_missing: ClassVar[bool] = True
    tiny: ClassVar[dict[str, Any]] = {"n_members": 4, "n_units": 16, "n_epochs": 40}

    def __init__(
        self,
        *,
        n_members: int = 6,
        n_units: int = 32,
        n_levels: int = 8,
        n_epochs: int = 60,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.n_members = n_members
        self.n_units = n_units
        self.n_levels = n_levels
        self.n_epochs = n_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.normal_scores = normal_scores
        self.random_state = random_state

    def generate(self, X: F64, n: int, step: float = 1.0, *, largest: bool = True) -> F64:
        """Up to n new rows that should be better than those of X, the best first.

        Each network moves the states of each row of X by ``step``, 2 ``step``, ... along the
        gradient of its prediction, and reads the result back, until there are n rows that are
        neither in X nor twice, or after 30 steps. What is valid in a space is for the caller to
        say: a token always is one of its column, but not all tokens go together.

        Parameters
        ----------
        X : float64 array, (n_best, d)
            Where to start: the best rows known.
        n : int
        step : float
        largest : bool
            Whether a larger y is better.

        Returns
        -------
        rows : float64 array, (at most n, d)
            By their predicted means.

        Raises
        ------
        ValueError
            If the model was not fitted to a table X alone.
        """
        self.predict(X[:0])  # raises if there is nothing to ask, or more than X was learned from
        torch = import_torch(type(self).__name__)
        tensors = {name: torch.from_numpy(array) for name, array in self.weights_.items()}
        given = self.tokens_(np.asarray(X, dtype=np.float64))
        known, found = set(map(tuple, given.tolist())), dict[tuple[int, ...], None]()
        with one_thread(torch), torch.inference_mode():
            states = network.encoded(torch, tensors, torch.from_numpy(given))
        for number in range(1, MOST_STEPS + 1):
            with one_thread(torch), torch.no_grad():
                way = number * step * (1 if largest else -1)
                moved = network.climbed(torch, tensors, states.clone(), way)
                read = network.decoded(torch, tensors, moved, self.tokens_.firsts)
            every = map(tuple, read.reshape(-1, given.shape[1]).tolist())
            found |= dict.fromkeys(row for row in every if row not in known)
            if len(found) >= n:
                break
        rows = self.tokens_.table(np.array(list(found), dtype=np.int64).reshape(-1, X.shape[1]))
        mean, _ = self.predict(rows)
        return rows[np.argsort(-mean if largest else mean, kind="stable")[:n]]

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        out = left_out(groups, self.n_members, rng)
        n_batches = -(-len(t) // self.batch_size)
        self._train(Z, np.tile(t, (self.n_members, 1)), (~out).astype(np.float64), n_batches, rng)
        self.calibration_ = calibration_of(self._asked(Z), out, t)

    def _train(
        self, Z: F64, targets: F64, shares: F64, n_batches: int, rng: np.random.Generator
    ) -> None:
        """Networks from new starts; ``targets`` and ``shares`` are (B, n)."""
        torch = import_torch(type(self).__name__)
        self.tokens_ = Tokens.learned(Z, self.n_levels)
        firsts = self.tokens_.firsts
        x = torch.from_numpy(self.tokens_(Z))
        wanted = torch.from_numpy(targets.astype(np.float32))
        batch_size = -(-len(Z) // n_batches)
        adam = Adam(self.n_epochs, batch_size, self.learning_rate, WEIGHT_DECAY)
        with one_thread(torch):
            tensors = network.start(torch, self.n_members, int(firsts[-1]), self.n_units, rng)

            def losses(batch: "Tensor") -> "Tensor":
                states = network.encoded(torch, tensors, x[batch])
                output = network.predicted(torch, tensors, network.embedded(torch, states))
                said = network.surprise(torch, tensors, states, x[batch], firsts)
                error = (output - wanted[:, batch]).square()
                return ERROR_SHARE * error + (1 - ERROR_SHARE) * said

            weights = shares.astype(np.float32)
            descend(torch, list(tensors.values()), losses, weights, adam, rng)
        self.weights_ = {name: tensor.numpy() for name, tensor in tensors.items()}

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        members = self._asked(Z)
        return members.mean(axis=0), self.calibration_(members.var(axis=0, ddof=1))

    def _asked(self, Z: F64) -> F64:
        """What each network says of each row, (B, n)."""
        torch = import_torch(type(self).__name__)
        tensors = {name: torch.from_numpy(array) for name, array in self.weights_.items()}
        tokens = torch.from_numpy(self.tokens_(Z))
        with one_thread(torch), torch.inference_mode():
            parts = []
            for block in tokens.split(BLOCK):
                states = network.encoded(torch, tensors, block)
                output = network.predicted(torch, tensors, network.embedded(torch, states))
                parts.append(output.numpy())
        return np.concatenate(parts, axis=1).astype(np.float64)
