"""How large and how dense: counts of the training part."""

import math

import numpy as np
from scipy.sparse import csr_array

from recmeta.data import Interactions


def extract(X: csr_array, log: Interactions, *, seed: int = 0) -> dict[str, float]:
    """Users and items with a positive interaction, interactions, density, and their logarithms.

    density = interactions / (users items); positive_share: events that are positive;
    explicit, weighted: 1 where there are ratings, amounts. O(nnz).
    """
    n_users = int((np.diff(X.indptr) > 0).sum())
    n_items = len(np.unique(X.indices))
    density = X.nnz / max(n_users * n_items, 1)
    return {
        "basic.n_users": n_users,
        "basic.n_items": n_items,
        "basic.n_interactions": X.nnz,
        "basic.density": density,
        "basic.sparsity": 1 - density,
        "basic.items_per_user": n_items / max(n_users, 1),
        "basic.log_n_users": math.log1p(n_users),
        "basic.log_n_items": math.log1p(n_items),
        "basic.log_n_interactions": math.log1p(X.nnz),
        "basic.log_density": math.log(max(density, 1e-12)),
        "basic.log_items_per_user": math.log(max(n_items, 1) / max(n_users, 1)),
        "basic.log_mean_history": math.log1p(X.nnz / max(n_users, 1)),
        "basic.log_mean_item": math.log1p(X.nnz / max(n_items, 1)),
        "basic.positive_share": float(log.positive.mean()) if log.n_events else 0.0,
        "basic.explicit": float(log.feedback == "rating"),
        "basic.weighted": float(log.feedback == "weight"),
    }
