"""Hyperparameters as a space to search: of one algorithm, or of several at once.

A candidate is a tuple: a name, then the value of each of its parameters in the order of its space.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from recmeta import space as flat
from recmeta.space import Params, Space

Configuration = tuple[Any, ...]
STEP = 0.1  # of a numeric range: standard deviation of a mutation, distance of a neighbour


class ConfigurationSpace:
    """Algorithm and hyperparameters together.

    Parameters
    ----------
    spaces : dict
        Name -> space of its parameters; one entry for a single algorithm.

    Examples
    --------
    >>> from recmeta.algorithms import EASE, IALS
    >>> space = ConfigurationSpace({"EASE": EASE.space, "IALS": IALS.space})
    >>> candidate = space.sample(np.random.default_rng(0))
    >>> name, params = space.params(candidate)
    >>> name
    'IALS'
    """

    def __init__(self, spaces: Mapping[str, Space]) -> None:
        if not spaces:
            raise ValueError("a space of at least one algorithm is needed: got none")
        self.spaces = dict(spaces)

    def params(self, candidate: Configuration) -> tuple[str, Params]:
        """The name and the parameters of a candidate."""
        name, *values = candidate
        return name, dict(zip(self.spaces[name], values, strict=True))

    def candidate(self, name: str, params: Mapping[str, Any]) -> Configuration:
        """The tuple of a name and parameters; those that the space has not are dropped."""
        return (name, *(params[key] for key in self.spaces[name]))

    def sample(self, rng: np.random.Generator) -> Configuration:
        """A name, each as likely, and a draw from its space."""
        name = list(self.spaces)[int(rng.integers(len(self.spaces)))]
        return self.candidate(name, flat.sample(self.spaces[name], rng))

    def mutate(
        self, arch: Configuration, rng: np.random.Generator, n_edits: int = 1
    ) -> Configuration:
        """Change ``n_edits`` parameters: a number by about a tenth of its range, a choice to any.

        Where there are several algorithms, one edit in as many as there are parameters and one
        takes another algorithm instead, with a draw from its space.
        """
        name, params = self.params(arch)
        space = self.spaces[name]
        if len(self.spaces) > 1 and rng.integers(len(space) + 1) == 0:
            other = [one for one in self.spaces if one != name]
            chosen = other[int(rng.integers(len(other)))]
            return self.candidate(chosen, flat.sample(self.spaces[chosen], rng))
        if not space:
            return arch
        for key in rng.permutation(list(space))[:n_edits]:
            params[key] = self._moved(space, params, str(key), rng)
        return self.candidate(name, params)

    def neighbours(self, arch: Configuration) -> list[Configuration]:
        """A step of a tenth of the range up and down of each number, and each other choice.

        A whole number of a short range moves by its own step at least.
        """
        name, params = self.params(arch)
        found = []
        for key, range_ in self.spaces[name].items():
            if isinstance(range_, CategoricalDistribution):
                values = [choice for choice in range_.choices if choice != params[key]]
            else:
                values = [_stepped(range_, params, key, sign) for sign in (-1, 1)]
            found += [params | {key: value} for value in values if value != params[key]]
        defaults = [one for one in self.spaces if one != name]
        middle = [self._middle(one) for one in defaults]
        return [self.candidate(name, one) for one in found] + middle

    def canonical(self, arch: Configuration) -> Hashable:
        """The candidate itself."""
        return arch

    def encode(self, archs: Sequence[Configuration], name: str) -> NDArray[np.float64]:
        """One 0/1 column an algorithm, then a block each of its unit cube, 0.5 where it is not.

        There is one encoding; any ``name`` gives it, so that strategies need not know the space.
        """
        sizes = {key: len(flat.encode(space, self.params(self._middle(key))[1]))
                 for key, space in self.spaces.items()}  # fmt: skip
        starts = dict(zip(sizes, np.cumsum([len(sizes), *sizes.values()])[:-1], strict=True))
        X = np.full((len(archs), len(sizes) + sum(sizes.values())), 0.5)
        X[:, : len(sizes)] = 0.0
        for row, arch in enumerate(archs):
            algorithm, params = self.params(arch)
            X[row, list(sizes).index(algorithm)] = 1.0
            start = starts[algorithm]
            X[row, start : start + sizes[algorithm]] = flat.encode(self.spaces[algorithm], params)
        return X

    def _middle(self, name: str) -> Configuration:
        space = self.spaces[name]
        params = {
            key: range_.choices[0]
            if isinstance(range_, CategoricalDistribution)
            else flat.decode_one(range_, 0.5)
            for key, range_ in space.items()
        }
        return self.candidate(name, params)

    def _moved(self, space: Space, params: Params, key: str, rng: np.random.Generator) -> Any:
        range_ = space[key]
        if isinstance(range_, CategoricalDistribution):
            others = [choice for choice in range_.choices if choice != params[key]]
            return others[int(rng.integers(len(others)))] if others else params[key]
        z = flat.encode({key: range_}, params)[0]
        for _ in range(20):  # an integer of a short range may not move at once
            value = flat.decode_one(range_, z + STEP * rng.standard_normal())
            if value != params[key]:
                return value
        return flat.sample({key: range_}, rng)[key]


def _stepped(range_: BaseDistribution, params: Params, key: str, sign: int) -> int | float:
    """The value STEP of the range further up or down; its nearer end, if it lies beyond."""
    z = flat.encode({key: range_}, params)[0]
    value = flat.decode_one(range_, z + sign * STEP)
    if isinstance(range_, IntDistribution) and params[key] is not None:
        least = params[key] + sign * range_.step
        value = min(value, least) if sign < 0 else max(value, least)
        value = min(max(value, range_.low), range_.high)
    return value
