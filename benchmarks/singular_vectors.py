"""How much of X the 64 singular vectors keep: PureSVD's, and scikit-learn's randomised ones.

    python benchmarks/singular_vectors.py

||X V||^2 over the sum of the 64 largest squared singular values, which numpy computes in float64
from X'X; 1 is all that 64 vectors can keep. On the log of algorithms.py.
"""

import numpy as np
from algorithms import load_fold
from scipy.sparse import csr_matrix
from sklearn.utils.extmath import randomized_svd

from recmeta.algorithms import PureSVD

N_FACTORS = 64


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


if __name__ == "__main__":
    main()
