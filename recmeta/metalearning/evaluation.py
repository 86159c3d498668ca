"""Is the selector any good? Leave one family out, choose for its logs, and look at what came.

All scores are shares of the best test score that any configuration reached on the problem. Means
are over families: problems within a family, then families. Nothing of the family that is left out
is seen: not its scores, not its features, not its costs.

===========  ==================================================================================
chosen       the selector's first choice
sbs          the single best configuration of the other families; where its fit is expected to go
             over the limits, the next best: the baseline to beat
vbs          virtual best, cross-fitted: the best on validation, scored on test
random       mean of all configurations
tried_K      the best on validation of the first K in the selector's order of trying, on test
mean_K       the same for the first K in the order of the SBS
===========  ==================================================================================
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from recmeta.metalearning.metadata import MetaData, of_families
from recmeta.metalearning.performance import Performance, performance
from recmeta.metalearning.selector import RISK, Choice, Selector

TRIED = (2, 4, 8)
COLUMNS = ["chosen", "sbs", "vbs", "random"]
COLUMNS += [f"{name}_{k}" for k in TRIED for name in ("tried", "mean")]
N_BOOTSTRAP = 2000
CONFIDENCE = 0.9
FITS_A_TASK = 2.2


@dataclass(frozen=True)
class SelectorEvaluation:
    """What leave-one-family-out found.

    Attributes
    ----------
    problems : DataFrame
        A row a problem: family, dataset, split, what was chosen, the COLUMNS, ``inside`` (whether
        the score lies in the predicted 80 % interval).
    families : DataFrame
        Means of the COLUMNS, a row a family.
    mean : Series
        Over families.
    gain, low, high : float
        Mean over families of chosen / sbs - 1, with its bootstrap interval over families.
    coverage : float
        Mean of ``inside`` over families: 0.8 is right.
    """

    problems: pd.DataFrame
    families: pd.DataFrame
    mean: "pd.Series[float]"
    gain: float
    low: float
    high: float
    coverage: float


def leave_one_family_out(
    known: MetaData,
    metric: str = "ndcg@10",
    *,
    seconds: float | None = None,
    n_bytes: float | None = None,
    seed: int = 0,
) -> SelectorEvaluation:
    """Evaluate the selector on families that it has not learned from.

    Parameters
    ----------
    known : MetaData
    metric : str
    seconds, n_bytes : float or None
        Limits of one fit. A run that went over those of its sweep counts with popularity's score,
        for the selector and for the SBS alike.
    seed : int
        Of the bootstrap.
    """
    truth = performance(known, metric)
    column_of = {key: column for column, key in enumerate(_keys(known, truth))}
    families = known.problems["family"].to_numpy()
    applicable, algorithms = known.applicable(), known.configurations["algorithm"].to_numpy()
    rows = []
    for family in np.unique(families):
        out = families == family
        selector = Selector(metric).fit(of_families(known, ~out))
        for problem in np.flatnonzero(out).tolist():
            row = known.problems.iloc[problem]
            shape = (int(row["n_users"]), int(row["n_items"]), int(row["nnz"]))
            features = {str(name): value for name, value in row.items()}
            choices = selector.rank(
                features, shape, split=row["split"], seconds=seconds, n_bytes=n_bytes,
                lacking=dict.fromkeys(algorithms[~applicable[problem]], "needs what there is not"),
            )  # fmt: skip
            names = {name: row[name] for name in ("family", "dataset", "split")}
            rows.append(names | _facts(truth, problem, choices, selector, column_of))
    return _summary(pd.DataFrame(rows), seed)


def sweep_limits(known: MetaData) -> tuple[float | None, float | None]:
    """Seconds and bytes of one fit that the sweep of the meta-data set allowed.

    Its time limit is for a task: two fits and their evaluation.
    """
    seconds, sizes = known.provenance["time_limit_s"], known.provenance["memory_bytes"]
    return (max(seconds) / FITS_A_TASK if seconds else None, max(sizes) if sizes else None)


def _keys(known: MetaData, scores: Performance) -> list[tuple[str, str]]:
    """Algorithm and hyperparameters of each column."""
    rows = known.configurations.iloc[scores.columns]
    return list(zip(rows["algorithm"], rows["params"], strict=True))


def _facts(
    truth: Performance,
    problem: int,
    choices: list[Choice],
    selector: Selector,
    column_of: dict[tuple[str, str], int],
) -> dict[str, object]:
    """One row of the evaluation."""
    keys = _keys(selector.known_, selector.scores_)
    mean_of = dict(zip(keys, selector.quality_.mean, strict=True))
    # run often enough in the fold, but too seldom on all problems to be scored: passed over
    choices = [choice for choice in choices if choice.key in column_of]
    columns = {id(choice): column_of[choice.key] for choice in choices}
    allowed = [choice for choice in choices if choice.p_fail <= RISK] or choices
    by_turn = [columns[id(one)] for one in sorted(allowed, key=lambda one: one.turn)]
    by_mean = [columns[id(one)] for one in sorted(allowed, key=lambda one: -mean_of[one.key])]
    test, validation = truth.test[problem], truth.validation[problem]
    best = max(float(np.nanmax(test)), 1e-12)

    def best_of(tried: list[int]) -> float:
        """Chosen on validation, scored on test; a configuration that was never run is passed."""
        run = [column for column in tried if np.isfinite(validation[column])] or [truth.fallback]
        return float(test[run[int(np.argmax(validation[run]))]] / best)

    first = allowed[0]
    actual = test[columns[id(first)]]
    facts = {
        "choice": first.algorithm,
        "choice_key": " ".join(first.key),
        "sbs_key": " ".join(next(key for key, at in column_of.items() if at == by_mean[0])),
        "score": float(actual),
        "predicted": first.score,
        "inside": float(first.low <= actual <= first.high),
        "chosen": best_of(by_turn[:1]),
        "sbs": best_of(by_mean[:1]),
        "vbs": best_of(list(range(len(test)))),
        "random": float(np.nanmean(test) / best),
    }
    for k in TRIED:
        facts |= {f"tried_{k}": best_of(by_turn[:k]), f"mean_{k}": best_of(by_mean[:k])}
    return facts


def _summary(problems: pd.DataFrame, seed: int) -> SelectorEvaluation:
    families = problems.groupby("family")[[*COLUMNS, "inside"]].mean()
    ratio = problems["chosen"] / problems["sbs"] - 1
    by_family = ratio.groupby(problems["family"]).mean().to_numpy()
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(by_family), (N_BOOTSTRAP, len(by_family)))
    low, high = np.quantile(
        by_family[draws].mean(axis=1), [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2]
    )
    return SelectorEvaluation(
        problems=problems,
        families=families[COLUMNS],
        mean=families[COLUMNS].mean(),
        gain=float(by_family.mean()),
        low=float(low),
        high=float(high),
        coverage=float(families["inside"].mean()),
    )
