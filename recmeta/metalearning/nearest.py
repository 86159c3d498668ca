"""The known data sets that are most like a log."""

from collections.abc import Mapping

import numpy as np

from recmeta.metalearning.metadata import MetaData
from recmeta.metalearning.quality import FEATURES


def nearest(features: Mapping[str, float], known: MetaData, n: int) -> list[tuple[str, float]]:
    """Names of the n nearest data sets and their distances.

    Euclidean distance over the features that the selector uses, each in standard deviations over
    the known problems; of a data set with two splits the nearer one counts.
    """
    table = known.features(list(FEATURES))
    spread = np.where(table.std(axis=0) > 1e-12, table.std(axis=0), 1.0)
    here = np.array([features[name] for name in FEATURES])
    distances = np.sqrt((((table - here) / spread) ** 2).mean(axis=1))
    best: dict[str, float] = {}
    for name, distance in zip(known.problems["dataset"], distances, strict=True):
        best[name] = min(float(distance), best.get(name, np.inf))
    return sorted(best.items(), key=lambda pair: pair[1])[:n]
