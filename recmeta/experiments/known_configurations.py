"""The configurations of a benchmark table as a space that a search strategy can walk."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recmeta.experiments.surrogate import complete, space_of
from recmeta.experiments.table import BenchmarkTable
from recmeta.search.configurations import ConfigurationSpace
from recmeta.space import Params

F64 = NDArray[np.float64]
NEAR = 6  # configurations that count as neighbours


class KnownConfigurations:
    """Only what was run on a problem: every candidate has its answer in the table, at the highest
    fidelity there is; what a stopped sweep ran at lower ones alone is left out.

    A candidate is the number of a configuration, or of an architecture where a table has some of a
    space. Its neighbours are the NEAR nearest ones by their encoding, the unit cube of all
    algorithms' parameters or one-hot, and a mutation takes one of them; another algorithm is
    further away than any other parameters of the same one.

    Parameters
    ----------
    table : BenchmarkTable
    dataset : str
    split : str or None
    """

    def __init__(self, table: BenchmarkTable, dataset: str, split: str | None = None) -> None:
        self.known = table.configurations(dataset, split, whole=True)
        space = space_of(sorted({name for name, _ in self.known}))
        if isinstance(space, ConfigurationSpace):
            whole = [space.candidate(name, complete(name, params)) for name, params in self.known]
        else:
            whole = [tuple(params["arch"]) for _, params in self.known]
        self.encoded = space.encode(whole, "one_hot")
        self.nearest: dict[int, list[int]] = {}

    def as_query(self, candidate: Any) -> tuple[str, Params]:
        """Algorithm and parameters of a candidate."""
        return self.known[int(candidate)]

    def sample(self, rng: np.random.Generator) -> Any:
        return int(rng.integers(len(self.known)))

    def mutate(self, arch: Any, rng: np.random.Generator, n_edits: int = 1) -> Any:
        for _ in range(n_edits):
            near = self.neighbours(arch)
            arch = near[int(rng.integers(len(near)))] if near else arch
        return arch

    def neighbours(self, arch: Any) -> list[Any]:
        if arch not in self.nearest:  # when asked: of all at once would be n x n x d numbers
            squares = ((self.encoded - self.encoded[arch]) ** 2).sum(axis=1)
            squares[arch] = np.inf
            order = np.argsort(squares, kind="stable")[: min(NEAR, len(squares) - 1)]
            self.nearest[arch] = order.tolist()
        return list(self.nearest[arch])

    def canonical(self, arch: Any) -> Hashable:
        return int(arch)

    def encode(self, archs: Sequence[Any], name: str) -> F64:
        """Rows of ConfigurationSpace's one encoding; any ``name`` gives it."""
        return np.asarray(self.encoded[list(archs)])
