"""Hyperparameter spaces: a name for each parameter and an Optuna distribution for its range.

======  =======================================================  ==============
symbol  meaning                                                  shape
======  =======================================================  ==============
space   parameter name -> distribution                           d parameters
params  parameter name -> value                                  d parameters
z       a point of the unit cube: one column a number, one       (d',)
        column a choice of a categorical
======  =======================================================  ==============
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

Space = Mapping[str, BaseDistribution]
Params = dict[str, Any]


def sample(space: Space, rng: np.random.Generator) -> Params:
    """Draw one configuration: uniform in each range, on the log scale where the range is one."""
    return {name: _sample_one(range_, rng) for name, range_ in space.items()}


def _sample_one(range_: BaseDistribution, rng: np.random.Generator) -> Any:
    if isinstance(range_, CategoricalDistribution):
        return range_.choices[int(rng.integers(len(range_.choices)))]
    return _from_unit(range_, float(rng.random()))


def decode_one(range_: BaseDistribution, z: float) -> int | float:
    """The value at position z of a numeric range; a z outside [0, 1] is moved to its nearer end."""
    return _from_unit(range_, min(max(z, 0.0), 1.0))


def _from_unit(range_: BaseDistribution, z: float) -> int | float:
    """The value at position z in [0, 1] of a numeric range."""
    if isinstance(range_, IntDistribution):
        # half a step beyond both ends, so that the first and the last value are as likely as others
        low, high = range_.low - 0.5 * range_.step, range_.high + 0.5 * range_.step
        low = max(low, 0.5) if range_.log else low
        value = low * (high / low) ** z if range_.log else low + z * (high - low)
        steps = round((value - range_.low) / range_.step)
        return int(min(max(range_.low + steps * range_.step, range_.low), range_.high))
    if not isinstance(range_, FloatDistribution):
        raise TypeError(f"no numeric range: {range_!r}; use Optuna's Int or Float distribution")
    if range_.log:
        value = math.exp(math.log(range_.low) + z * math.log(range_.high / range_.low))
    else:
        value = range_.low + z * (range_.high - range_.low)
    if range_.step is not None:
        value = range_.low + round((value - range_.low) / range_.step) * range_.step
    return float(min(max(value, range_.low), range_.high))


def _to_unit(range_: BaseDistribution, value: float | None) -> float:
    if not isinstance(range_, IntDistribution | FloatDistribution):
        raise TypeError(f"no numeric range: {range_!r}; use Optuna's Int or Float distribution")
    if value is None:
        return 0.5
    if range_.high == range_.low:
        return 0.0
    if range_.log:
        return math.log(value / range_.low) / math.log(range_.high / range_.low)
    return (value - range_.low) / (range_.high - range_.low)


def encode(space: Space, params: Mapping[str, Any]) -> NDArray[np.float64]:
    """The configuration as a point of the unit cube.

    Numbers are scaled to [0, 1] (on the log scale where the range is one); None for a number, which
    leaves the choice to ``fit``, is the middle; a categorical becomes one 0/1 column a choice.
    """
    columns: list[float] = []
    for name, range_ in space.items():
        if isinstance(range_, CategoricalDistribution):
            columns += [float(params[name] == choice) for choice in range_.choices]
        else:
            columns.append(_to_unit(range_, params[name]))
    return np.asarray(columns, dtype=np.float64)


def contains(space: Space, params: Mapping[str, Any]) -> bool:
    """Whether every parameter of the space has a value inside its range."""
    return all(name in params and _lies_in(range_, params[name]) for name, range_ in space.items())


def _lies_in(range_: BaseDistribution, value: Any) -> bool:
    try:
        return bool(range_._contains(range_.to_internal_repr(value)))
    except (TypeError, ValueError):  # a text or None for a number, NaN, or no such choice
        return False
