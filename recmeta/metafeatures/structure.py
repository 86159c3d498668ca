"""How the graph of users and items hangs together."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from recmeta.data import Interactions

N_SINGULAR = 16  # of the spectrum: few, since each costs some passes over X
BLOCK, STEPS = 4, 24  # of the Krylov space: 24 passes over X


def extract(X: csr_array, log: Interactions, *, seed: int = 0) -> dict[str, float]:
    """Concentration, cold shares, assortativity, connectivity and the head of the spectrum.

    top_items_*: share of interactions that the most popular 1, 10, 20 % of items have.
    cold_*: share of items (users) with 1, with at most 5 interactions. assortativity: correlation
    over interactions of log user and log item degree. giant_component: share of interactions in the
    largest connected part. co_occurrence: mean over users of history length^2 / items.
    spectrum_*: of the largest singular values s of the normalised X, s_2^2 / s_1^2, and the
    effective rank exp(-sum p log p), p = s^2 / sum s^2, over N_SINGULAR: exact where users or items
    are few, else to about 1 %. O(nnz BLOCK STEPS).
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
    return features | _spectrum(X, seed)


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


def _spectrum(X: csr_array, seed: int) -> dict[str, float]:
    """Of X with each entry over the root of its user's times its item's count."""
    names = ("structure.spectrum_second", "structure.effective_rank")
    if X.nnz == 0:
        return dict.fromkeys(names, 0.0)
    by_user = np.sqrt(np.maximum(np.diff(X.indptr), 1))
    by_item = np.sqrt(np.maximum(np.bincount(X.indices, minlength=X.shape[1]), 1))
    lengths = np.repeat(by_user, np.diff(X.indptr)) * by_item[X.indices]
    normal = csr_array((X.data / lengths, X.indices, X.indptr), shape=X.shape)
    squares = np.maximum(_largest_squares(normal.astype(np.float32), seed)[:N_SINGULAR], 0)
    shares = squares / squares.sum()
    second = float(shares[1] / shares[0]) if len(shares) > 1 else 0.0
    shares = shares[shares > 1e-9]
    return dict(zip(names, (second, float(np.exp(-(shares * np.log(shares)).sum()))), strict=True))


def _largest_squares(A: csr_array, seed: int) -> NDArray[np.float64]:
    """Squares of singular values of A, the largest first: BLOCK * STEPS of them, or all.

    Eigenvalues of A'A on its block Krylov space Q, of which H = Q'A'AQ is what orthogonalising
    computes anyway (Golub and Van Loan, Matrix Computations, 10.3).
    """
    A = A if A.shape[0] >= A.shape[1] else csr_array(A.T.tocsr())
    n = A.shape[1]
    if n <= 2 * BLOCK * STEPS:
        gram = (A.T @ A).toarray().astype(np.float64)
        return np.asarray(np.linalg.eigvalsh(gram)[::-1])
    start = np.random.default_rng(seed).standard_normal((n, BLOCK), dtype=np.float32)
    basis = np.linalg.qr(start)[0]
    H = np.zeros((BLOCK * STEPS, BLOCK * STEPS))
    for step in range(STEPS):
        block = A.T @ (A @ basis[:, -BLOCK:])
        inside = basis.T @ block
        H[: len(inside), step * BLOCK : (step + 1) * BLOCK] = inside
        block -= basis @ inside
        for _ in range(3):  # where little is left, what rounding left inside grows with it
            block = np.linalg.qr(block)[0]
            block -= basis @ (basis.T @ block)
        basis = np.concatenate([basis, np.linalg.qr(block)[0]], axis=1)
    return np.asarray(np.linalg.eigvalsh(H, UPLO="U")[::-1])
