"""When training is hopeless: the rule of Domhan et al. on what a predictor says of the end."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from recmeta.predictors._base import F64

HOPELESS = 0.05  # Domhan et al. 2015, section 4


def chance_of_beating(mean: F64, std: F64, best: float, *, larger_is_better: bool = True) -> F64:
    """P(y > best), (n,), of final values y ~ N(mean, std^2); of y < best for losses.

    For draws of a posterior, such as those of PosteriorCurves, it is their share beyond ``best``.

    Examples
    --------
    >>> chance_of_beating(np.array([0.5, 0.7]), np.array([0.1, 0.1]), best=0.7).round(3)
    array([0.023, 0.5  ])
    """
    gain = np.asarray(mean) - best if larger_is_better else best - np.asarray(mean)
    return np.asarray(ndtr(gain / np.asarray(std)))


def hopeless(
    mean: F64,
    std: F64,
    best: float,
    *,
    larger_is_better: bool = True,
    threshold: float = HOPELESS,
) -> NDArray[np.bool_]:
    """Whose training should stop, (n,): those with a chance of beating ``best`` below 5 %."""
    return chance_of_beating(mean, std, best, larger_is_better=larger_is_better) < threshold
