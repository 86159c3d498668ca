"""Tasks that must time out, by what a run of the same algorithm on the same problem has shown.

A task is hopeless where a run with at least its time limit timed out whose cost() was not higher
than the task's, and no run whose cost() was as high came through. cost() need not be right in
seconds for that: only its order within one algorithm on one log counts. Runs of other parts, or
that were stopped early by another metric, take another time at the same cost(): they are no guide.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from recmeta.execution.task import BEFORE_FIT, Result, Task
from recmeta.experiments.estimate import said_of_row, said_seconds
from recmeta.experiments.plan import Limits
from recmeta.experiments.store import Store

NOT_RUN = "not run"  # how the error of a task begins that was foreseen to time out

Place = tuple[str, str, float, str, str]  # data_key, algorithm, fidelity, parts, stop_by


class Hopeless:
    """What timed out and what came through, as seconds by cost().

    Parameters
    ----------
    store : Store
        Whose runs are learned from; ``learn`` adds those of the sweep.
    limits : Limits
        Of the tasks: a time-out under a shorter limit says nothing.
    """

    def __init__(self, store: Store, limits: Limits) -> None:
        self.limit = limits.time_limit_s
        self.timed_out: dict[Place, float] = {}  # the least seconds by cost()
        self.came_through: dict[Place, float] = defaultdict(float)  # the most
        self.parts: dict[str, Mapping[str, Any]] = {}
        if self.limit is None:
            return
        self.parts = {key: info.get("parts", {}) for key, _, _, info in store.dataset_rows()}
        runs = store.frame(()).fillna({"stop_by": ""})
        long_enough = runs["time_limit_s"].fillna(float("inf")) >= self.limit
        timed_out = (runs["status"] == "timeout") & long_enough
        places = set(zip(runs["data_key"][timed_out], runs["algorithm"][timed_out], strict=True))
        rows: Iterable[Any] = runs[(runs["status"] == "ok") | timed_out].itertuples(index=False)
        for row in rows:
            if (row.data_key, row.algorithm) in places and _was_fitted(row.error):
                place = row.data_key, row.algorithm, row.fidelity, row.parts, row.stop_by
                self._note(place, row.status, said_of_row(row, self.parts))

    def meet(self, data_key: str, parts: Mapping[str, Any]) -> None:
        """Know the shapes of a bundle, ``info["parts"]``, before its tasks are asked about."""
        self.parts[data_key] = parts

    def learn(self, task: Task, result: Result) -> None:
        """From a run that has just ended."""
        if result.status in ("ok", "timeout") and _was_fitted(result.error):
            self._note(_place(task), result.status, said_seconds(task, self.parts[task.data_key]))

    def reason(self, task: Task) -> str:
        """Why the task would time out; empty if it may come through."""
        place = _place(task)
        least = self.timed_out.get(place)
        if least is None:
            return ""
        said = said_seconds(task, self.parts[task.data_key])
        if not said >= least or said <= self.came_through[place]:  # NaN: nothing is known
            return ""
        return (
            f"{NOT_RUN}: {task.algorithm} timed out on this problem under a limit of "
            f"{self.limit:g} s or more with no higher cost() ({least:.3g} s; here {said:.3g} s)"
        )

    def _note(self, place: Place, status: str, said: float) -> None:
        if status == "timeout" and said > 0:
            self.timed_out[place] = min(self.timed_out.get(place, float("inf")), said)
        elif status == "ok" and said > 0:
            self.came_through[place] = max(self.came_through[place], said)


def _place(task: Task) -> Place:
    parts, stop_by = ",".join(task.parts), task.stop_by or ""
    return task.data_key, task.algorithm, task.fidelity, parts, stop_by


def _was_fitted(error: str) -> bool:
    """Whether a run that ended with this error had begun its fit: else its end says nothing."""
    return not error.startswith(NOT_RUN) and BEFORE_FIT not in error
