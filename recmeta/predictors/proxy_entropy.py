"""What proxies tell of a performance that others do not: conditional entropy, in bits.

======  =======================================================  ==========
symbol  meaning                                                  shape
======  =======================================================  ==========
y       performance, cut into bins of equal counts               (n,)
Z       proxies, each cut likewise                               (n, p)
H(y|S)  H(y, z_S) - H(z_S), the plug-in estimate
B(S)    mean of H(y'|S) over permutations y' of y
======  =======================================================  ==========

With p proxies of b bins there are b^p cells, and few points in each: H(y|S) then falls without any
proxy telling anything. So B(S) is given beside it, and what S tells is B(S) - H(y|S).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True)
class Entropy:
    """H(y|S) of a set of proxies, with what chance alone gives.

    Attributes
    ----------
    names : tuple of str
        S.
    entropy, by_chance : float
        H(y|S) and B(S), in bits.
    cells : int
        Combinations of bins that occur.
    """

    names: tuple[str, ...]
    entropy: float
    by_chance: float
    cells: int

    @property
    def told(self) -> float:
        """B(S) - H(y|S): bits about y that S tells, about 0 for noise."""
        return self.by_chance - self.entropy


def conditional_entropy(
    y: F64, proxies: dict[str, F64], *, n_bins: int = 10, n_permutations: int = 20, seed: int = 0
) -> Entropy:
    """H(y|z_S) for S all of ``proxies``, and the same for permuted y.

    Parameters
    ----------
    y : float64 array, (n,)
    proxies : dict of float64 arrays, (n,)
        Rows with a NaN in y or a proxy are left out. No proxies: the entropy of y.
    n_bins : int
        Of y and of each proxy, by quantiles; equal values stay together.
    n_permutations : int
    seed : int

    Raises
    ------
    ValueError
        If fewer than two rows are complete.

    Notes
    -----
    O(n_permutations n log n).
    """
    codes, target = _binned(y, proxies, n_bins)
    cells = _joined(codes) if codes else np.zeros(len(target), dtype=np.int64)
    rng = np.random.default_rng(seed)
    shuffled = [_conditional(rng.permutation(target), cells) for _ in range(n_permutations)]
    return Entropy(
        tuple(proxies),
        _conditional(target, cells),
        float(np.mean(shuffled)),
        len(np.unique(cells)),
    )


def complementary_order(
    y: F64, proxies: dict[str, F64], *, n_bins: int = 10, n_permutations: int = 20, seed: int = 0
) -> list[Entropy]:
    """Greedy: first the proxy that tells most, then the one that adds most to those chosen.

    What they tell is measured above chance (``Entropy.told``), so the order ends when no proxy
    adds anything: later ones are left out. The parameters are those of ``conditional_entropy``; all
    sets are compared on the rows where y and every proxy are known.

    Raises
    ------
    ValueError
        If fewer than two rows are complete.
    """
    complete = _complete(y, proxies)
    y, proxies = y[complete], {name: values[complete] for name, values in proxies.items()}
    chosen: list[Entropy] = []
    while len(chosen) < len(proxies):
        taken = chosen[-1].names if chosen else ()
        tried = [
            conditional_entropy(
                y,
                {key: proxies[key] for key in (*taken, name)},
                n_bins=n_bins,
                n_permutations=n_permutations,
                seed=seed,
            )
            for name in proxies
            if name not in taken
        ]
        best = max(tried, key=lambda one: one.told)
        if best.told <= (chosen[-1].told if chosen else 0.0):
            break
        chosen.append(best)
    return chosen


def _binned(y: F64, proxies: dict[str, F64], n_bins: int) -> tuple[list[I64], I64]:
    complete = _complete(y, proxies)
    columns = [np.asarray(y, dtype=np.float64), *map(np.asarray, proxies.values())]
    target, *codes = [_quantile_bins(column[complete], n_bins) for column in columns]
    return codes, target


def _complete(y: F64, proxies: dict[str, F64]) -> NDArray[np.bool_]:
    """Rows in which all is known."""
    complete = np.asarray(np.isfinite([y, *proxies.values()]).all(axis=0))
    if complete.sum() < 2:
        raise ValueError(f"at least 2 complete rows are needed: {int(complete.sum())} are")
    return complete


def _quantile_bins(values: F64, n_bins: int) -> I64:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, n_bins + 1)[1:-1]))
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def _joined(codes: list[I64]) -> I64:
    """One number a row for its combination of bins, renumbered so that it cannot overflow."""
    joined = codes[0]
    for code in codes[1:]:
        joined = np.unique(joined * (code.max() + 1) + code, return_inverse=True)[1]
    return joined.astype(np.int64)


def _conditional(target: I64, cells: I64) -> float:
    both = _joined([cells, target])
    return _bits(both) - _bits(cells)


def _bits(codes: I64) -> float:
    share = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-(share * np.log2(share)).sum())
