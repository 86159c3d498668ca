"""How much of X the 64 singular vectors keep: PureSVD's, and scikit-learn's randomised ones.

    python benchmarks/singular_vectors.py

Then the processor seconds of the two ways to them, Lanczos and the eigenvectors of the shorter
side, on drawn logs; * is the one that is taken.

||X V||^2 over the sum of the 64 largest squared singular values, which numpy computes in float64
from X'X; 1 is all that 64 vectors can keep. On the log of algorithms.py.
"""

import time

import numpy as np
from algorithms import load_fold
from scipy.sparse import csr_array, csr_matrix
from sklearn.utils.extmath import randomized_svd

from recmeta.algorithms import PureSVD
from recmeta.algorithms import _singular_vectors as singular

N_FACTORS = 64
SHAPES = [(479, 11_600), (1_108, 31_000), (1_500, 2_071), (1_500, 10_000), (3_000, 5_000)]


def main() -> None:
    X = csr_matrix(load_fold(None).fit)
    exact = np.linalg.eigvalsh((X.T @ X).toarray().astype(np.float64))[-N_FACTORS:].sum()
    found = {
        "PureSVD": PureSVD(N_FACTORS).fit(X).item_factors_,
        "randomized_svd": randomized_svd(X, N_FACTORS, random_state=0)[2].T,
    }
    print("| vectors of | share kept |\n|---|---|")
    for name, vectors in found.items():
        print(f"| {name} | {float(((X @ vectors) ** 2).sum()) / exact:.4f} |")
    print("\n| users | items | factors | Lanczos | shorter side |\n|---|---|---|---|---|")
    for n_users, n_items in SHAPES:
        X = drawn(n_users, n_items)
        for n_factors in (16, 64, 128, 338):
            chosen = singular._is_short(X, n_factors)
            cells = [
                f"{seconds(X, n_factors, short):.2f}{'*' * (chosen == short)}"
                for short in (False, True)
            ]
            print(f"| {n_users:,} | {n_items:,} | {n_factors} | {' | '.join(cells)} |")


def drawn(n_users: int, n_items: int) -> csr_array:
    """30,000 events, items by a power law."""
    rng = np.random.default_rng(0)
    share = np.arange(1, n_items + 1) ** -0.7
    users, items = (
        rng.integers(n_users, size=30_000),
        rng.choice(n_items, 30_000, p=share / share.sum()),
    )
    return csr_array((np.ones(30_000, np.float32), (users, items)), shape=(n_users, n_items))


def seconds(X: csr_array, n_factors: int, short: bool) -> float:
    """The least processor time of two runs, the first of which compiles."""
    taken = []
    rule, singular._is_short = singular._is_short, lambda *_: short
    for _ in range(2):
        start = time.process_time()
        singular.top_right_singular_vectors(X, n_factors, np.random.default_rng(0))
        taken.append(time.process_time() - start)
    singular._is_short = rule
    return min(taken)


if __name__ == "__main__":
    main()
