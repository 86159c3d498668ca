"""Model: a fitted recommender that speaks the caller's ids, always answers, and can be saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.validation import check_is_fitted

from recmeta import _model_file
from recmeta._model_file import ModelFileError
from recmeta.algorithms import Recommender
from recmeta.data import Interactions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Model", "ModelFileError", "load"]

NEW_USER = "(new user)"


@dataclass(eq=False, repr=False)
class Model:
    """A recommender with the ids, histories and popularity that it needs to serve.

    Whoever is asked for gets an answer: for a user or a history that the recommender knows nothing
    of, and where its list is short, the most popular items that were not seen, with ``fallback``.
    Only who has seen every item that anybody likes gets a list shorter than k, or none.

    Parameters
    ----------
    estimator : Recommender

    Attributes
    ----------
    users, items : array
        Ids of the rows and columns.
    histories : csr_array, (n_users, n_items)
        Positive interactions.
    seen : csr_array, (n_users, n_items)
        Everything seen, liked or not: never recommended.
    times : csr_array, (n_users, n_items), or None
        When each entry of ``histories`` came, where the recommender uses that.
    popularity : int64 array, (n_items,)
        Users with a positive interaction.
    metrics : dict of str to float
        What is known of its quality.

    Examples
    --------
    >>> import pandas as pd, recmeta
    >>> from recmeta.algorithms import TopPopular
    >>> log = pd.DataFrame({"user": list("aabbc"), "item": list("xyxzx")})
    >>> Model(TopPopular()).fit(recmeta.read(log)).recommend(["c"], k=2)[["user", "rank", "item"]]
      user  rank item
    0    c     1    y
    1    c     2    z
    """

    estimator: Recommender
    users: NDArray[Any] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    items: NDArray[Any] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    histories: csr_array = field(default_factory=lambda: csr_array((0, 0), dtype=np.float32))
    seen: csr_array = field(default_factory=lambda: csr_array((0, 0), dtype=np.float32))
    metrics: dict[str, float] = field(default_factory=dict)
    name: str = ""
    times: csr_array | None = None

    @classmethod
    def of_fitted(
        cls,
        estimator: Recommender,
        data: Interactions,
        *,
        metrics: Mapping[str, float] | None = None,
    ) -> "Model":
        """The model of an estimator that was fitted on ``data.to_csr()`` and ``data.side()``."""
        return cls(
            estimator=estimator,
            users=data.users,
            items=data.items,
            histories=data.to_csr(),
            seen=data.seen(),
            metrics=dict(metrics or {}),
            name=data.name,
            times=data.times() if "timestamps" in estimator.uses else None,
        )

    def fit(self, data: Interactions) -> Self:
        """Fit the estimator on the positive interactions of a log.

        Raises
        ------
        ValueError
            If the estimator needs features or times that the log does not have.
        """
        side = data.side()
        if missing := sorted(self.estimator.uses - side.keys()):
            raise ValueError(
                f"{type(self.estimator).__name__} needs {' and '.join(missing)}, which "
                f"{data.name} lacks: recmeta.read takes item_features=, user_features= and time="
            )
        self.estimator.fit(data.to_csr(), **side)
        # anew, so that nothing that was cached of an earlier log stays
        self.__dict__ = vars(Model.of_fitted(self.estimator, data))
        return self

    def __repr__(self) -> str:
        return f"<Model {self.estimator}: {len(self.users):,} users, {len(self.items):,} items>"

    @cached_property
    def popularity(self) -> NDArray[np.int64]:
        return np.bincount(self.histories.indices, minlength=len(self.items))

    @cached_property
    def _popular(self) -> NDArray[np.int32]:
        """Items with a positive interaction, the most popular first."""
        order = np.argsort(-self.popularity, kind="stable").astype(np.int32)
        return order[self.popularity[order] > 0]

    @cached_property
    def _user_places(self) -> dict[Any, int]:
        return {one: row for row, one in enumerate(self.users.tolist())}

    @cached_property
    def _item_places(self) -> dict[Any, int]:
        return {one: column for column, one in enumerate(self.items.tolist())}

    def recommend(self, users: Iterable[Any] | None = None, k: int = 10) -> "pd.DataFrame":
        """The k best items for each user.

        Parameters
        ----------
        users : iterable of ids, or None
            None: every user of the log. Unknown ones get popular items.
        k : int

        Returns
        -------
        DataFrame
            user, rank (from 1), item, score, fallback. The score of a fallback is NaN.
        """
        _check_ready(self.estimator, k)
        if users is None:
            asked, rows = self.users, np.arange(len(self.users))
        else:
            asked = _as_ids(users, self.users)
            rows = _places(asked, self._user_places)
        known = np.flatnonzero(rows >= 0)
        items = np.full((len(rows), k), -1, dtype=np.int32)
        scores = np.zeros((len(rows), k), dtype=np.float32)
        if len(known):
            of_known = rows[known]
            items[known], scores[known] = self.estimator.recommend(
                self.histories[of_known],
                k,
                users=of_known,
                exclude=self.seen[of_known],
                timestamps=None if self.times is None else self.times[of_known],
            )
        return self._answer(asked, items, scores, self.seen, rows)

    def recommend_history(self, items: Iterable[Any], k: int = 10) -> "pd.DataFrame":
        """The k best items for a new user with this history, in its order: the last one last.

        Unknown items are left out.
        """
        _check_ready(self.estimator, k)
        columns = _places(_as_ids(items, self.items), self._item_places)
        known = columns[columns >= 0]
        places = np.zeros(len(self.items))
        places[known] = np.arange(1, len(known) + 1)  # of an item that came twice the later one
        times = csr_array(places[None, :])
        ones = np.ones(times.nnz, dtype=np.float32)
        history = csr_array((ones, times.indices, times.indptr), shape=times.shape)
        found = np.full((1, k), -1, dtype=np.int32), np.zeros((1, k), dtype=np.float32)
        if self.estimator.inductive and len(known):
            found = self.estimator.recommend(history, k, users=np.array([-1]), timestamps=times)
        nobody = np.array([NEW_USER], dtype=object)
        return self._answer(nobody, *found, history, np.zeros(1, dtype=np.int64))

    def save(self, path: str | Path) -> None:
        """Write one file: manifest.json and safetensors, ids and histories inside, no pickle."""
        _model_file.write(self, Path(path))

    def _answer(
        self,
        users: NDArray[Any],
        items: NDArray[np.int32],
        scores: NDArray[np.float32],
        seen: csr_array,
        rows: NDArray[np.int64],
    ) -> "pd.DataFrame":
        """Lists as a table, filled with popular items; ``rows``: of ``seen``, -1 for nobody."""
        import pandas as pd  # the only place that needs it

        fallback = items < 0
        _fill(items, self._popular, rows, seen.indptr, seen.indices, len(self.items))
        kept = items >= 0  # an item catalogue can be shorter than k
        ranks = np.broadcast_to(np.arange(1, items.shape[1] + 1), items.shape)
        names = np.broadcast_to(np.asarray(users, dtype=object)[:, None], items.shape)
        return pd.DataFrame(
            {
                "user": pd.Series(list(names[kept]), dtype=None if len(users) else object),
                "rank": ranks[kept],
                "item": self.items[items[kept]],
                "score": np.where(fallback, np.nan, scores)[kept],
                "fallback": fallback[kept],
            }
        )


def load(path: str | Path) -> Model:
    """The model of a file that ``Model.save`` wrote.

    Raises
    ------
    ModelFileError
        If it is no such file, of another version, damaged, or of an algorithm not in the registry.
    """
    return Model(**_model_file.read(Path(path)))


def _check_ready(estimator: Recommender, k: int) -> None:
    check_is_fitted(estimator)
    if k < 1:
        raise ValueError(f"k must be at least 1: got {k}")


def _as_ids(given: Iterable[Any], known: NDArray[Any]) -> NDArray[Any]:
    """Ids as the log has them: a text of digits finds a number, a number finds its text."""
    if isinstance(given, str):
        raise TypeError(f"ids must come as a list: got the text {given!r}; write [{given!r}]")
    if known.dtype.kind not in "iu":
        return np.asarray([str(one) for one in given], dtype=object)
    return np.asarray([_as_number(one) for one in given], dtype=object)


def _as_number(one: Any) -> int | str:
    """A whole number, however it is written; else its text, which no number equals."""
    if isinstance(one, float) and one.is_integer():  # a column with a gap is float in pandas
        return int(one)
    text = str(one).strip()
    return int(text) if text.removeprefix("-").isdecimal() else text


def _places(ids: NDArray[Any], place: Mapping[Any, int]) -> NDArray[np.int64]:
    """Each id's place; -1 where it has none."""
    return np.asarray([place.get(one, -1) for one in ids.tolist()], dtype=np.int64)


@njit(cache=True, nogil=True)
def _fill(items, popular, rows, indptr, indices, n_items):  # type: ignore[no-untyped-def]
    """Put the most popular items that are neither seen nor listed where ``items`` is -1."""
    taken_by = np.full(n_items, -1, dtype=np.int64)
    for place in range(items.shape[0]):
        for item in items[place]:
            if item >= 0:
                taken_by[item] = place
        row = rows[place]
        if row >= 0:
            for at in range(indptr[row], indptr[row + 1]):
                taken_by[indices[at]] = place
        rank = 0
        for item in popular:
            while rank < items.shape[1] and items[place, rank] >= 0:
                rank += 1
            if rank == items.shape[1]:
                break
            if taken_by[item] != place:
                items[place, rank] = item
