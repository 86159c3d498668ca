"""Numbers that describe a log: each module's ``extract(X, log)`` gives a dict of finite floats."""

import importlib
import pkgutil

import numpy as np
from threadpoolctl import threadpool_limits

from recmeta.data import Interactions


def extract_all(data: Interactions, *, seed: int = 0, landmarks: bool = True) -> dict[str, float]:
    """All meta-features of a log, by modules in this folder.

    Parameters
    ----------
    data : Interactions
        The training part only: nothing here may see what is held out.
    seed : int
        Of the samples that the landmarkers draw.
    landmarks : bool
        False leaves out the landmarkers, which fit small models and take a second or two.

    Returns
    -------
    dict of str to float
        ``"basic.density"``, ``"landmark.ease.ndcg@10"``, ...: finite for every legal log;
        all but the landmarkers are the same however users and items are numbered.
    """
    X = data.to_csr()
    features: dict[str, float] = {}
    # small matrices: more BLAS threads than idle cores cost seconds in waiting
    with threadpool_limits(1, "blas"):
        for info in pkgutil.iter_modules(__path__):
            if info.name == "landmarkers" and not landmarks:
                continue
            module = importlib.import_module(f"{__name__}.{info.name}")
            features |= module.extract(X, data, seed=seed)
    return {name: float(v) if np.isfinite(v) else 0.0 for name, v in features.items()}
