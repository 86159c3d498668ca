"""What a sweep finds in its store before it begins: what is done, what failed, what has gaps."""

from dataclasses import dataclass

from recmeta.algorithms import IterativeRecommender
from recmeta.execution.fit import find_algorithm
from recmeta.execution.task import INFRASTRUCTURE
from recmeta.experiments.plan import Plan
from recmeta.experiments.store import Store


@dataclass(frozen=True)
class Before:
    """Ids of runs.

    Attributes
    ----------
    done : set of str
        Runs that need not be made again.
    failed : set of str
        Runs that are not ok.
    with_gaps : set of str
        Ok runs that lack a curve or vectors which the plan asks for.
    """

    done: set[str]
    failed: set[str]
    with_gaps: set[str]


def before(
    plan: Plan, store: Store, *, retry_errors: bool = False, retry_missing: bool = False
) -> Before:
    """What the store has; see ``sweep.Manner`` for the last two. O(runs) without their scores."""
    limits = plan.limits
    done = store.done_ids(time_limit_s=limits.time_limit_s, memory_bytes=limits.memory_bytes)
    done -= store.error_ids("" if retry_errors else INFRASTRUCTURE)
    with_gaps = store.ids_with_gaps(plan.per_user, plan.parts, _curved(plan))
    return Before(
        done=done - with_gaps if retry_missing else done,
        failed=store.failed_ids(),
        with_gaps=with_gaps,
    )


def _curved(plan: Plan) -> set[str]:
    """Algorithms of a plan that asks for learning curves which have one: the iterative ones."""
    if plan.curve_by is None:
        return set()
    names = {one.algorithm for one in plan.configurations}
    return {name for name in names if issubclass(find_algorithm(name), IterativeRecommender)}
