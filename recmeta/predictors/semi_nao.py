"""SemiNAO: NAO that also learns from candidates that nobody has evaluated (Luo et al. 2020)."""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recmeta.predictors._descent import calibration_of, left_out
from recmeta.predictors._groups import checked_groups
from recmeta.predictors._table import checked_targets, stacked
from recmeta.predictors._targets import Targets
from recmeta.predictors.nao import NAO

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

UP_SAMPLING = 10.0  # of a row with a known performance


class SemiNAO(NAO):
    """Rows of X whose y is NaN are unlabelled: they are predicted, then learned from as well.

    1. Networks learn from the labelled rows alone, as in NAO.
    2. Each says what the unlabelled rows are worth, t^.
    3. Networks from new starts learn from all rows, in as many batches; a labelled one weighs
       as 10.

    A network's own t^ are its targets, so that what it left out stays unknown to it, and the
    deviation honest. Published: as many unlabelled rows as labelled ones. Without any it is NAO.

    Time is that of NAO on the labelled rows and on all.

    Parameters
    ----------
    n_members, n_units, n_levels, n_epochs, batch_size, learning_rate, normal_scores, random_state
        As of NAO.

    Attributes
    ----------
    tokens_, weights_, calibration_
        As of NAO.

    References
    ----------
    Luo, Tan, Wang, Qin, Chen and Liu (2020), Semi-supervised neural architecture search,
    arXiv:2002.10389.

    Examples
    --------
    >>> X = np.random.default_rng(0).integers(3, size=(40, 4)).astype(float)
    >>> y = np.where(np.arange(40) < 20, X.sum(axis=1), np.nan)
    >>> mean, std = SemiNAO(n_epochs=5).fit(X, y).predict(X[20:])
    >>> mean.shape
    (20,)
    """

    exceptions: ClassVar[dict[str, str]] = {
        "test_what_cannot_be_learned_from_is_named": "a y that is NaN marks an unlabelled row"
    }

    def fit(
        self,
        X: F64,
        y: F64,
        *,
        curves: F64 | None = None,
        proxies: F64 | None = None,
        task: F64 | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn from all rows; y is NaN where the performance is not known.

        Raises
        ------
        ValueError
            For fewer than two rows or groups with a known performance, and as of any predictor.
        """
        table, widths = stacked(X, curves, proxies, task)
        labels = np.asarray(y, dtype=np.float64)
        if labels.shape != (len(table),):
            raise ValueError(f"y must be ({len(table)},), NaN if unknown: got shape {labels.shape}")
        known = ~np.isnan(labels)
        targets = checked_targets(labels[known], int(known.sum()))
        self.widths_, self.scaling_ = widths, None
        self.targets_ = Targets.learned(targets, self.normal_scores)
        t = np.full(len(table), np.nan)
        t[known] = self.targets_(targets)
        rows = checked_groups(groups, len(table))
        checked_groups(rows[known], len(targets))  # two, with a known performance
        self._learn(table, t, rows, np.random.default_rng(self.random_state))
        return self

    def _learn(self, Z: F64, t: F64, groups: I64, rng: np.random.Generator) -> None:
        known = ~np.isnan(t)
        out = np.zeros((self.n_members, len(t)), dtype=bool)
        out[:, known] = left_out(groups[known], self.n_members, rng)
        targets = np.tile(t, (self.n_members, 1))
        n_batches = -(-int(known.sum()) // self.batch_size)
        self._train(
            Z[known], targets[:, known], (~out[:, known]).astype(np.float64), n_batches, rng
        )
        if not known.all():
            targets[:, ~known] = self._asked(Z[~known])
            shares = np.where(known, UP_SAMPLING * ~out, 1.0)
            self._train(Z, targets, shares, n_batches, rng)
        outputs = self._asked(Z[known])
        self.calibration_ = calibration_of(outputs, out[:, known], t[known])
