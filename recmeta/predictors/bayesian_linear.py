"""Bayesian linear regression: precisions by maximum evidence, everything in closed form."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from recmeta.predictors._calibration import calibrated
from recmeta.predictors._features import FeaturePredictor
from recmeta.predictors._groups import left_out_group, shared

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

LEAST, MOST = 1e-6, 1e8  # precisions: beyond MOST a weight is 0
TOLERANCE = 1e-4
LEAST_FREE = 1e-5  # of 1 - leverage: below, rounding has eaten what the closed form divides by


class BayesianLinear(FeaturePredictor):
    """t = Z w + noise; w_j ~ N(0, 1 / alpha_j), noise ~ N(0, 1 / beta).

    S = (beta Z'Z + diag(alpha))^-1, m = beta S Z't; mean = z'm, variance = z'S z + 1 / beta. With
    gamma_j = 1 - alpha_j S_jj, the evidence is largest where alpha = gamma / m^2 and
    beta = (n - sum gamma) / |t - Z m|^2 (MacKay 1992), which is iterated. One alpha is shared by
    each family of columns (encoding, curves, proxies, task), or with ``ard`` each column has its
    own, and most become 0. A column of ones is added. Slope and offset of the variance come from
    the errors of leaving each row out, with its group (``_calibration``).

    Time is n_rounds (n d^2 + d^3).

    Parameters
    ----------
    ard : bool
        Automatic relevance determination: an alpha for each column.
    n_rounds : int
        Of the iteration, at most.
    normal_scores : bool
        Learn the normal scores of y in place of y itself (``_targets``).
    random_state : int or None
        Not used; nothing is random.

    Attributes
    ----------
    weights_ : float64 array, (d' + 1,)
        m, that of the ones last.
    covariance_ : float64 array, (d' + 1, d' + 1)
        S.
    alphas_ : float64 array, (d' + 1,)
    beta_ : float
    calibration_ : Calibration

    References
    ----------
    MacKay (1992), Bayesian interpolation, doi:10.1162/neco.1992.4.3.415.
    Tipping (2001), Sparse Bayesian learning and the relevance vector machine, JMLR 1:211-244.

    Examples
    --------
    >>> X = np.linspace(0, 1, 20)[:, None]
    >>> mean, std = BayesianLinear(normal_scores=False).fit(X, 3 * X[:, 0] + 1).predict([[0.5]])
    >>> mean.round(3).tolist()
    [2.5]
    """

    tiny: ClassVar[dict[str, Any]] = {}

    def __init__(
        self,
        *,
        ard: bool = False,
        n_rounds: int = 300,
        normal_scores: bool = True,
        random_state: int | None = 0,
    ) -> None:
        self.ard = ard
        self.n_rounds = n_rounds
        self.normal_scores = normal_scores
        self.random_state = random_state

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        features = _with_ones(Z)
        self._iterate(features, t, self._alphas_of(Z.shape[1]))
        self.calibration_ = calibrated(*self._left_out(features, t, groups))

    def _left_out(self, features: F64, t: F64, groups: I64) -> tuple[F64, F64]:
        """Error and variance of each row without its group, both (n,)."""
        errors = t - features @ self.weights_
        # R. and W. 2006, eq. 5.12, with the kernel Z diag(1 / alpha) Z'
        leverage = self.beta_ * ((features @ self.covariance_) * features).sum(axis=1)
        free = np.maximum(1 - leverage, LEAST_FREE)
        unseen, variances = errors / free, 1 / (self.beta_ * free)
        doubtful = list(np.flatnonzero(free <= LEAST_FREE)[:, None])
        for rows in shared(groups):
            own = features[rows]
            block = np.eye(len(rows)) - self.beta_ * own @ self.covariance_ @ own.T
            if np.linalg.eigvalsh(block)[0] > LEAST_FREE:
                found = left_out_group(self.beta_ * block, self.beta_ * errors[rows])
                unseen[rows], variances[rows] = found
            else:
                doubtful.append(rows)  # after its single rows, whose place it takes
        if doubtful:
            # columns of independent weights of variance 1, no more of them than rows
            left, sizes, _ = np.linalg.svd(features / np.sqrt(self.alphas_), full_matrices=False)
            for rows in doubtful:
                unseen[rows], variances[rows] = self._without(left * sizes, t, rows)
        return unseen, variances

    def _without(self, basis: F64, t: F64, rows: I64) -> tuple[F64, F64]:
        """Errors and variances of rows by a fit to all others, at the same precisions."""
        rest, own = np.delete(basis, rows, axis=0), basis[rows]
        factor = cho_factor(self.beta_ * rest.T @ rest + np.eye(basis.shape[1]))
        mean = own @ cho_solve(factor, self.beta_ * rest.T @ np.delete(t, rows))
        variance = (own * cho_solve(factor, own.T).T).sum(axis=1) + 1 / self.beta_
        return t[rows] - mean, variance

    def _alphas_of(self, d: int) -> I64:
        """The alpha that each column has, and that of the ones, (d + 1,)."""
        shares = np.arange(d) if self.ard else np.unique(self._families(), return_inverse=True)[1]
        return np.append(shares, shares.max(initial=-1) + 1).astype(np.int64)

    def _iterate(self, features: F64, t: F64, alpha_of: I64) -> None:
        gram, products = features.T @ features, features.T @ t
        self.alphas_, self.beta_ = np.ones(len(alpha_of)), 10.0
        self._condition(gram, products)
        for _ in range(self.n_rounds):
            errors = t - features @ self.weights_
            gammas = np.clip(1 - self.alphas_ * np.diag(self.covariance_), 0, 1)
            squares = np.bincount(alpha_of, self.weights_**2)
            alphas = np.bincount(alpha_of, gammas) / np.maximum(squares, 1e-300)
            before, self.alphas_ = self.alphas_, np.clip(alphas, LEAST, MOST)[alpha_of]
            left = max(len(t) - gammas.sum(), 1e-3)
            self.beta_ = float(np.clip(left / max(errors @ errors, 1e-12), LEAST, MOST))
            self._condition(gram, products)
            if np.abs(np.log(self.alphas_ / before)).max() < TOLERANCE:
                break

    def _condition(self, gram: F64, products: F64) -> None:
        precision = self.beta_ * gram + np.diag(self.alphas_)
        # scaled to a unit diagonal: precisions differ by up to 14 powers of ten
        scale = 1 / np.sqrt(np.diag(precision))
        inverse = np.linalg.inv(precision * scale[:, None] * scale)
        self.covariance_ = inverse * scale[:, None] * scale
        self.weights_ = self.beta_ * self.covariance_ @ products

    def _posterior(self, Z: F64) -> tuple[F64, F64]:
        features = _with_ones(Z)
        spread = ((features @ self.covariance_) * features).sum(axis=1)
        return features @ self.weights_, self.calibration_(spread + 1 / self.beta_)


def _with_ones(Z: F64) -> F64:
    return np.column_stack([Z, np.ones(len(Z))])
