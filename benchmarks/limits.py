"""What the machine could do at best, measured in the same run: the floor under a fit's seconds.

======  =====================================================  ==================
symbol  meaning                                                unit
======  =====================================================  ==================
adds    scatter additions into one row that stays in cache     1/s, all threads
flops   of a float32 matrix product                            1/s, all threads
pairs   sum over users of (history length)^2                   additions
n       items                                                  1
======  =====================================================  ==================
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba
import numpy as np
from scipy.linalg.lapack import spotrf, spotri
from scipy.sparse import csr_matrix

N_ADDS = 20_000_000
CG_PRODUCTS = 4  # of IALS: the residual and three steps
BY_GRAM = ("ItemKNN", "P3alpha", "RP3beta", "SlopeOne", "TurboCF", "GFCF")
BY_INVERSE = ("EASE", "EDLAE", "RDLAE", "ADMMSLIM")


def fastest(work: Any, repeats: int = 3) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


@numba.njit(nogil=True)
def _scatter(row, columns, times):  # type: ignore[no-untyped-def]
    for _ in range(times):
        for column in columns:
            row[column] += 1


@cache
def adds_per_second(n: int) -> float:
    """Random columns in rising order, as a user's history has them: 64 at a time."""
    rng, n_threads = np.random.default_rng(0), numba.get_num_threads()
    width = min(64, n)
    columns = np.concatenate(
        [np.sort(rng.choice(n, width, replace=False)) for _ in range(1000)]
    ).astype(np.int32)
    times = N_ADDS // len(columns)

    def one(_: int) -> None:
        _scatter(np.zeros(n, np.int32), columns, times)

    one(0)
    with ThreadPoolExecutor(n_threads) as pool:
        seconds = fastest(lambda: list(pool.map(one, range(n_threads))))
    return n_threads * times * len(columns) / seconds


@cache
def flops() -> float:
    left, right = (np.random.default_rng(0).random((3072, 3072), np.float32) for _ in range(2))
    return float(2 * 3072**3 / fastest(lambda: left @ right))


@cache
def inverse_seconds(n: int) -> float:
    """potrf and potri of LAPACK, float32."""
    matrix = np.eye(n, dtype=np.float32) * np.float32(n)
    matrix += np.random.default_rng(0).random((n, n), np.float32)
    matrix = np.asfortranarray(matrix + matrix.T)

    def invert() -> None:
        factor, _ = spotrf(matrix, lower=1)
        spotri(factor, lower=1, overwrite_c=1)

    return fastest(invert, 2)


@cache
def products_per_second(n_users: int, n_items: int, n_factors: int) -> float:
    """Users a second whose scores a matrix product makes, 1,024 at a time."""
    rng = np.random.default_rng(0)
    users = rng.random((min(1024, n_users), n_factors), np.float32)
    items = rng.random((n_items, n_factors), np.float32)
    scores = np.empty((len(users), n_items), np.float32)
    return len(users) / fastest(lambda: np.matmul(users, items.T, out=scores))


def of_fit(algorithm: str, params: dict[str, Any], X: csr_matrix) -> float | None:
    """Seconds below which no fit can come on this machine; None where there is no such figure."""
    n_users, n = X.shape
    pairs = float((np.diff(X.indptr).astype(np.float64) ** 2).sum())
    if algorithm == "MultVAE":  # forwards and twice as much backwards, two layers each
        weights = 2 * n * params["n_hidden"] + 3 * params["n_hidden"] * params["n_factors"]
        return params["n_epochs"] * 6.0 * n_users * weights / flops()
    if algorithm == "IALS":
        width = params["n_factors"]
        work = 4 * X.nnz * 2 * width + 2 * (n_users + n) * width**2
        return params["n_epochs"] * CG_PRODUCTS * work / flops()
    if algorithm not in BY_GRAM + BY_INVERSE:
        return None
    seconds = pairs / 2 / adds_per_second(n)  # the Gram matrix is symmetric
    if algorithm in BY_INVERSE:
        seconds += inverse_seconds(n)
    if algorithm == "ADMMSLIM":
        seconds += params["n_iterations"] * 2.0 * n**3 / flops()
    return seconds


def of_ranking(params: dict[str, Any], X: csr_matrix) -> float | None:
    """Users a second of the scores alone, of what ranks by factors."""
    n_factors = params.get("n_factors")
    return None if n_factors is None else products_per_second(*X.shape, n_factors)
