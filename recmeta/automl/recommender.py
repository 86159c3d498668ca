"""AutoRecommender: the best model for a log within a budget, ready to recommend."""

import math
import tempfile
import time as clock
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.exceptions import NotFittedError

from recmeta.algorithms import get
from recmeta.automl.advice import advise, check_is_read
from recmeta.automl.attempt import Attempt
from recmeta.automl.first_use import advised, compile_once
from recmeta.automl.race import SHARE, BudgetError, Outcome, Rules, race
from recmeta.automl.recommendation import Recommendation
from recmeta.data import DataError, Interactions
from recmeta.datasets.folds import Fold, Split
from recmeta.datasets.splits import default_split
from recmeta.execution.budget import to_bytes, to_seconds
from recmeta.execution.bundle import Bundle, write_folds
from recmeta.execution.limits import n_cores
from recmeta.execution.state import load_state
from recmeta.metalearning import metadata
from recmeta.metalearning.performance import FALLBACK as POPULARITY
from recmeta.metalearning.performance import scores_to_choose_by
from recmeta.model import Model

if TYPE_CHECKING:
    import pandas as pd

SAVING_SHARE = 0.03  # of the time, held back to turn the winner into a model


@dataclass(frozen=True)
class TestScore:
    """The winner on the untouched test part, with popularity beside it.

    ``low`` and ``high`` bound a 95 % interval of the mean over users; ``gain`` and
    ``gain_error`` are the mean paired difference to popularity and its standard error; NaN if
    popularity itself could not be fitted.
    """

    __test__ = False  # no test class, whatever its name says to pytest

    metric: str
    score: float
    low: float
    high: float
    popularity: float
    gain: float
    gain_error: float
    n_users: int


class AutoRecommender:
    """Choose, fit and keep the best recommender within a hard time and memory budget.

    The order of the candidates comes from the meta-data set (see ``recommend``); each is fitted in
    a process of its own and judged on the validation part; the best is fitted again on training
    and validation for its test score, and on everything to serve.

    Parameters
    ----------
    metric : str
        What to choose by.
    time : str or number
        The whole of it: looking at the log, trying, refitting. A fit is stopped by force; the look
        at the log is not, so below some ten seconds there may be no time for more.
    memory : str, number or None
        What one fit may take.
    seed : int
    threads : int or None
        Threads of a fit; None: as many as there are cores.

    Attributes
    ----------
    compile_seconds_ : float
        What the first use on a machine took to compile, which ``time`` does not count; else 0.
    model_ : Model
    recommendation_ : Recommendation or None
        None where the log is too small to compare anything (E107): then popularity is fitted.
    attempts_ : list of Attempt
        What was tried, in order.
    best_ : Attempt
    test_ : TestScore or None
    seconds_ : float
        What it took.
    """

    def __init__(
        self,
        *,
        metric: str = "ndcg@10",
        time: str | float = "2m",
        memory: str | float | None = None,
        seed: int = 0,
        threads: int | None = None,
    ) -> None:
        self.metric = metric
        self.time = time
        self.memory = memory
        self.seed = seed
        self.threads = threads
        self.recommendation_: Recommendation | None = None
        self.test_: TestScore | None = None
        self.compile_seconds_ = 0.0

    def fit(
        self,
        data: Interactions,
        *,
        on_attempt: Callable[[Attempt], None] | None = None,
        on_compile: Callable[[], None] = lambda: None,
    ) -> Self:
        """Try, choose, refit.

        The first use on a machine compiles for a minute or so, which ``time`` does not count;
        ``on_compile`` is called before.

        Raises
        ------
        BudgetError
            If the time ended before any model was fitted.
        DataError
            If there is too little to split.
        TypeError
            If ``data`` was not read.
        """
        check_is_read(data)
        started = clock.monotonic()
        budget = to_seconds(self.time)
        memory = None if self.memory is None else to_bytes(self.memory)
        scores_to_choose_by(metadata.load(), self.metric)
        try:
            split = default_split(data, seed=self.seed)
        except DataError as error:
            if error.code != "E107":
                raise
            return self._fit_popularity(data, error, started)
        self.compile_seconds_ = compile_once(advised(), say=on_compile)
        started += self.compile_seconds_
        rules = Rules(
            metric=self.metric,
            deadline=started + budget * (1 - SAVING_SHARE),
            memory=memory,
            seed=self.seed,
            threads=self.threads or n_cores(),
        )
        limits = (SHARE * budget, rules.memory)
        self.recommendation_ = advice = advise(data, split, self.metric, limits, self.seed)
        with tempfile.TemporaryDirectory(prefix="recmeta-fit-") as folder:
            bundle = _bundle(split, Path(folder) / "bundle")
            state = Path(folder) / "state.npz"
            outcome = race(
                bundle,
                advice.choices,
                rules,
                save_to=state,
                on_attempt=on_attempt or (lambda attempt: None),
            )
            self._keep(outcome, data, state)
        self.seconds_ = clock.monotonic() - started
        return self

    def _fit_popularity(self, data: Interactions, error: DataError, started: float) -> Self:
        """What is left where nothing can be compared: the most popular, and the reason."""
        popular = Attempt(POPULARITY, {}, "ok", math.nan, math.nan, math.nan, str(error))
        self.recommendation_, self.test_ = None, None
        self.attempts_, self.best_ = [popular], popular
        self.model_ = Model(get(POPULARITY)()).fit(data)
        self.seconds_ = clock.monotonic() - started
        return self

    def _keep(self, outcome: Outcome, data: Interactions, state: Path) -> None:
        self.attempts_ = outcome.attempts
        if outcome.winner is None:
            causes = {
                attempt.error.splitlines()[-1] for attempt in outcome.attempts if attempt.error
            }
            raise BudgetError(
                f"no model was fitted: {'; '.join(sorted(causes)) or 'the time was over'}. "
                "Give more time or memory, or a sample of the users"
            )
        self.best_ = outcome.winner
        self.test_ = test = _test_score(outcome, self.metric)
        estimator = load_state(get(self.best_.algorithm), state)
        facts = {"validation": self.best_.score, "test": test.score}
        facts["test_popularity"] = test.popularity
        named = {f"{part} {self.metric}": value for part, value in facts.items()}
        self.model_ = Model.of_fitted(estimator, data, metrics=named)

    def recommend(self, users: Iterable[Any] | None = None, k: int = 10) -> "pd.DataFrame":
        """See ``Model.recommend``."""
        self._check_is_fitted()
        return self.model_.recommend(users, k)

    def save(self, path: str | Path) -> None:
        """See ``Model.save``."""
        self._check_is_fitted()
        self.model_.save(path)

    def _check_is_fitted(self) -> None:
        if not hasattr(self, "model_"):
            raise NotFittedError("this AutoRecommender is not fitted: call fit(data) first")


def _bundle(split: Split, folder: Path) -> Bundle:
    """The split's folds, and ``"all"``: every positive to fit on, nobody to evaluate."""
    test = split.fold("test")
    nobody = np.zeros(0, dtype=np.int64)
    everything = Fold(
        fit=split.data.to_csr(),
        users=nobody,
        history=test.history[:0],
        relevant=test.relevant[:0],
        exclude=test.exclude[:0],
        rows=nobody,
        n_cold=0,
        n_repeat=0,
        item_features=split.data.item_features,
        user_features=split.data.user_features,
        fit_times=split.data.times(),
        history_times=None if test.history_times is None else test.history_times[:0],
    )
    folds = {"validation": split.fold("validation"), "test": test, "all": everything}
    return write_folds(folds, folder, dataset=split.data.name, split=split.name)


def _test_score(outcome: Outcome, metric: str) -> TestScore:
    assert outcome.test is not None
    own = outcome.test.per_user["test"][metric].astype(np.float64)
    popular, popularity = np.full_like(own, np.nan), math.nan
    beside = outcome.popularity_test
    if beside is not None and "test" in beside.metrics:
        popular = beside.per_user["test"][metric].astype(np.float64)
        popularity = beside.metrics["test"][metric]
    differences = own - popular
    score = outcome.test.metrics["test"][metric]
    error = _standard_error(own)
    return TestScore(
        metric=metric,
        score=score,
        low=score - 1.96 * error,
        high=score + 1.96 * error,
        popularity=popularity,
        gain=float(np.nanmean(differences)) if np.isfinite(differences).any() else math.nan,
        gain_error=_standard_error(differences),
        n_users=len(own),
    )


def _standard_error(values: "np.ndarray[Any, np.dtype[np.float64]]") -> float:
    counted = values[~np.isnan(values)]
    return float(counted.std(ddof=1) / math.sqrt(len(counted))) if len(counted) > 1 else math.nan
