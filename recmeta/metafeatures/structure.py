"""How the graph of users and items hangs together."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from recmeta.data import Interactions

N_SINGULAR = 16  # of the spectrum: few, since each costs a pass over X


def extract(X: csr_array, log: Interactions, *, seed: int = 0) -> dict[str, float]:
    """Concentration, cold shares, assortativity, connectivity and the head of the spectrum.

    top_items_*: share of interactions that the most popular 1, 10, 20 % of items have.
    cold_*: share of items (users) with 1, with at most 5 interactions. assortativity: correlation
    over interactions of log user and log item degree. giant_component: share of interactions in the
    largest connected part. co_occurrence: mean over users of history length^2 / items.
    spectrum_*: of the largest singular values s of the normalised X, s_2^2 / s_1^2, and the
    effective rank exp(-sum p log p), p = s^2 / sum s^2, over N_SINGULAR. O(nnz N_SINGULAR).
    """
    item_counts = np.bincount(X.indices, minlength=X.shape[1])
    item_counts = item_counts[item_counts > 0]
    user_counts = np.diff(X.indptr)
    user_counts = user_counts[user_counts > 0]
    features = {
        f"structure.top_items_{share}": _top_share(item_counts, share) for share in (1, 10, 20)
    }
    for side, counts in (("items", item_counts), ("users", user_counts)):
        features[f"structure.cold_{side}_1"] = _share(counts <= 1)
        features[f"structure.cold_{side}_5"] = _share(counts <= 5)
    features["structure.assortativity"] = _assortativity(X)
    features["structure.giant_component"] = _giant_component(X)
    squares = float((user_counts.astype(np.float64) ** 2).sum())
    features["structure.log_co_occurrence"] = float(np.log1p(squares / max(len(item_counts), 1)))
    return features | _spectrum(X)


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _top_share(counts: NDArray[np.int64], percent: int) -> float:
    if len(counts) == 0:
        return 0.0
    n = max(round(len(counts) * percent / 100), 1)
    return float(np.sort(counts)[::-1][:n].sum() / counts.sum())


def _assortativity(X: csr_array) -> float:
    users = np.log(np.repeat(np.diff(X.indptr), np.diff(X.indptr)).astype(np.float64))
    items = np.log(
        np.bincount(X.indices, minlength=X.shape[1]).astype(np.float64)[X.indices] + 1e-300
    )
    if X.nnz < 2 or users.std() < 1e-12 or items.std() < 1e-12:
        return 0.0
    return float(np.corrcoef(users, items)[0, 1])


def _giant_component(X: csr_array) -> float:
    if X.nnz == 0:
        return 0.0
    graph = block_array([[None, X], [X.T, None]], format="csr")
    _, labels = connected_components(graph, directed=False)
    of_interaction = labels[np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))]
    return float(np.bincount(of_interaction).max() / X.nnz)


def _spectrum(X: csr_array) -> dict[str, float]:
    """Subspace iteration from the popular directions: the same for any numbering of users."""
    names = ("structure.spectrum_second", "structure.effective_rank")
    if min(X.shape) < 2 or X.nnz < 2:
        return dict.fromkeys(names, 0.0)
    by_user = np.sqrt(np.maximum(np.diff(X.indptr), 1))
    by_item = np.sqrt(np.maximum(np.bincount(X.indices, minlength=X.shape[1]), 1))
    normal = X.copy()
    normal.data = (X.data / (np.repeat(by_user, np.diff(X.indptr)) * by_item[X.indices])).astype(
        np.float32
    )
    k = min(N_SINGULAR, min(X.shape))
    # powers of the item counts span the start, so that no random draw depends on the numbering
    scaled = by_item / by_item.max()
    basis = np.stack([scaled ** (power / 2) for power in range(k)], axis=1).astype(np.float32)
    for _ in range(8):
        basis, _ = np.linalg.qr(normal.T @ (normal @ basis))
    singular = np.linalg.svd(normal @ basis, compute_uv=False).astype(np.float64) ** 2
    shares = singular / max(singular.sum(), 1e-12)
    shares = shares[shares > 1e-9]
    rank = float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0
    second = float(singular[1] / max(singular[0], 1e-12)) if len(singular) > 1 else 0.0
    return dict(zip(names, (second, rank), strict=True))
