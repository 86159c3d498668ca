"""The contract of a Recommender as checks, for the algorithms here and for your own.

>>> from recmeta.algorithms import EASE
>>> from recmeta.testing import check_recommender
>>> check_recommender(EASE())

``CHECKS`` has them by name, for ``pytest.mark.parametrize``. An algorithm that cannot keep one says
so on its class, with the reason: ``exceptions = {"check_empty_user": "why"}``. One that ``uses``
features or times is given made-up ones (``informed``).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from recmeta.algorithms import Recommender
from recmeta.testing import checks
from recmeta.testing.checks import N_ITEMS, N_USERS, log_matrix
from recmeta.testing.informed import informed, informed_estimator

__all__ = ["CHECKS", "N_ITEMS", "N_USERS", "check_recommender", "informed", "log_matrix"]

Check = Callable[[Recommender], None]


def check_recommender(estimator: Recommender | type[Recommender]) -> None:
    """Run all checks on a fresh clone each.

    Parameters
    ----------
    estimator : Recommender, or its class for the defaults with its ``tiny`` parameters

    Raises
    ------
    AssertionError
        With a sentence on what the contract asks for.
    """
    made: Any = estimator(**estimator.tiny) if isinstance(estimator, type) else estimator
    for name, check in CHECKS.items():
        if name not in made.exceptions:
            check(made)


def _on_informed(check: Check) -> Check:
    @wraps(check)
    def of_any(estimator: Recommender) -> None:
        check(informed_estimator(estimator))

    return of_any


CHECKS: dict[str, Check] = {
    name: _on_informed(check) for name, check in vars(checks).items() if name.startswith("check_")
}
