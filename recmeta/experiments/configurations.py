"""The configurations of a plan: the default of each algorithm, and samples, a grid, a portfolio.

=========  =====================================================================================
kind       what ``n`` is
=========  =====================================================================================
default    not used: the default configuration of each algorithm alone
random     configurations drawn uniformly, on the log scale where the range is one
sobol      points of a scrambled Sobol sequence (Owen's scrambling): they fill the space evenly
grid       levels of each number, with both ends; categoricals have all their choices
portfolio  the first ``n`` of the order in which the meta-data set would try configurations
=========  =====================================================================================

Except for a portfolio the default of each algorithm comes first.
"""

import itertools
import json
import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution
from scipy.stats import qmc

from recmeta.execution.fit import find_algorithm
from recmeta.metalearning.metadata import load
from recmeta.metalearning.performance import performance
from recmeta.metalearning.portfolio import greedy_order
from recmeta.registry import UnknownNameError
from recmeta.space import Params, Space, decode_one, sample

ATTEMPTS = 20  # draws for one new configuration before a small space counts as exhausted
MAX_GRID = 1000  # configurations of one algorithm


@dataclass(frozen=True)
class Configuration:
    """An algorithm with all its parameters.

    ``label`` is ``"default"``, or a letter and the number among those of the algorithm: s1 is
    drawn, q1 of a Sobol sequence, g1 of a grid, p1 of a portfolio, l1 listed. Those of turn 0 are
    run first, the defaults, then those of turn 1.
    """

    algorithm: str
    params: Params
    label: str
    turn: int = 1


def configurations(
    algorithms: Iterable[str], n: int = 0, *, kind: str = "random", seed: int = 0
) -> tuple[Configuration, ...]:
    """The configurations of a kind, without repeats.

    An algorithm's configurations depend on its name and the seed alone, so another algorithm in
    the list changes nothing, and more samples keep the first ones. Small spaces give fewer.

    Parameters
    ----------
    algorithms : iterable of str
    n : int
        See the table on top.
    kind : str
    seed : int

    Raises
    ------
    UnknownNameError
        If there is no such kind or algorithm.
    ValueError
        If a grid is too large.
    """
    if kind == "portfolio":
        return portfolio(n, algorithms)
    if kind not in SAMPLERS:
        raise UnknownNameError(f"no kind of configurations is named {kind!r}: {', '.join(KINDS)}")
    each = (_of_one(name, n, seed, *SAMPLERS[kind]) for name in algorithms)
    return tuple(itertools.chain.from_iterable(each))


def listed(entries: Iterable[Mapping[str, Any]]) -> tuple[Configuration, ...]:
    """Configurations as a plan lists them: ``{"algorithm": "EASE", "l2": 100.0}``.

    Parameters that an entry does not have are at their defaults.

    Raises
    ------
    UnknownNameError
        If an algorithm has no such parameter.
    """
    found = []
    for number, entry in enumerate(entries, start=1):
        official, default = _default(str(entry["algorithm"]))
        params = {name: value for name, value in entry.items() if name != "algorithm"}
        for name in params:
            if name not in default:
                raise UnknownNameError(
                    f"{official} has no parameter {name!r}; it has: {', '.join(default)}"
                )
        found.append(Configuration(official, default | params, f"l{number}", number))
    return tuple(found)


def portfolio(
    n: int, algorithms: Iterable[str] = (), *, metric: str = "ndcg@10"
) -> tuple[Configuration, ...]:
    """The first ``n`` configurations of the greedy order over the problems of the meta-data set.

    Each next one is what raises the mean over families of the best share so far the most.

    Parameters
    ----------
    n : int
    algorithms : iterable of str
        Those to choose from; none: all.
    metric : str
    """
    known = load()
    scores = performance(known, metric)
    table = known.configurations.iloc[scores.columns]
    names = {_default(name)[0] for name in algorithms} or set(table["algorithm"])
    kept = np.flatnonzero(table["algorithm"].isin(names))
    if len(kept) == 0:
        raise UnknownNameError(f"the meta-data set has no run of {', '.join(sorted(names))}")
    scenarios, weights = scores.filled[:, kept], known.family_weights
    order = greedy_order(scenarios, weights, int(np.argmax(weights @ scenarios)), n)
    rows = table.iloc[kept[order[:n]]].itertuples(index=False)
    return tuple(
        Configuration(str(row.algorithm), json.loads(str(row.params)), f"p{number}", number)
        for number, row in enumerate(rows, start=1)
    )


IsNew = Callable[[Params], bool]
Sampler = Callable[[Space, int, np.random.Generator, IsNew], Iterator[Params]]


def _of_one(name: str, n: int, seed: int, letter: str, sampler: Sampler) -> Sequence[Configuration]:
    space = find_algorithm(name).space
    official, default = _default(name)
    found = [Configuration(official, default, "default", 0)]
    if not space or n == 0:
        return found

    def is_new(drawn: Params) -> bool:
        return all(default | drawn != one.params for one in found)

    rng = np.random.default_rng([seed, zlib.crc32(official.encode())])
    try:
        for drawn in sampler(space, n, rng, is_new):
            n_found = len(found)
            found.append(Configuration(official, default | drawn, f"{letter}{n_found}", n_found))
    except ValueError as error:
        raise ValueError(f"{official}: {error}") from error
    return found


def _default(name: str) -> tuple[str, Params]:
    """The name as results have it, and the parameters without the seed."""
    algorithm = find_algorithm(name)
    params: Params = dict(algorithm().get_params())
    params.pop("random_state", None)
    return name if ":" in name else algorithm.__name__, params


def _random(space: Space, n: int, rng: np.random.Generator, is_new: IsNew) -> Iterator[Params]:
    for _ in range(n):
        draws = (sample(space, rng) for _ in range(ATTEMPTS))
        if (params := next(filter(is_new, draws), None)) is not None:
            yield params


def _sobol(space: Space, n: int, rng: np.random.Generator, is_new: IsNew) -> Iterator[Params]:
    # a power of two, which the sequence is balanced for; its first points are always the same
    n_bits = int(np.ceil(np.log2(ATTEMPTS * n)))
    points = qmc.Sobol(len(space), scramble=True, seed=rng).random_base2(n_bits)
    decoded = (
        {name: _at(range_, z) for (name, range_), z in zip(space.items(), point, strict=True)}
        for point in points
    )
    yield from itertools.islice(filter(is_new, decoded), n)


def _grid(space: Space, n: int, rng: np.random.Generator, is_new: IsNew) -> Iterator[Params]:
    positions = np.linspace(0.0, 1.0, n) if n > 1 else np.array([0.5])
    axes = [
        list(range_.choices)
        if isinstance(range_, CategoricalDistribution)
        else list(dict.fromkeys(_at(range_, z) for z in positions))
        for range_ in space.values()
    ]
    size = math.prod(len(axis) for axis in axes)
    if size > MAX_GRID:
        raise ValueError(
            f"a grid of {n} levels has {size:,} configurations of its {len(axes)} parameters, more "
            f"than {MAX_GRID:,}: take fewer levels, or the kind random or sobol"
        )
    values = (dict(zip(space, chosen, strict=True)) for chosen in itertools.product(*axes))
    yield from filter(is_new, values)


def _at(range_: Any, z: float) -> Any:
    """The value at position z in [0, 1] of a range."""
    if isinstance(range_, CategoricalDistribution):
        return range_.choices[min(int(z * len(range_.choices)), len(range_.choices) - 1)]
    ends = {0.0: range_.low, 1.0: range_.high}  # as they are written, not as exp(log()) has them
    return ends.get(z, decode_one(range_, float(z)))


SAMPLERS: dict[str, tuple[str, Sampler]] = {
    "default": ("", lambda space, n, rng, is_new: iter(())),
    "random": ("s", _random),
    "sobol": ("q", _sobol),
    "grid": ("g", _grid),
}
KINDS = (*SAMPLERS, "portfolio")
