"""The bridge: the predictors of architectures, ranking algorithms on the meta-data set.

A candidate is an algorithm with its hyperparameters, a task is a data set with its meta-features.
One family of data sets is left out at a time; within each of its problems the predicted order of
the configurations is compared with the measured one.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import clone

from recmeta.experiments.nas_prediction import correlation
from recmeta.experiments.surrogate import complete, space_of
from recmeta.metalearning.metadata import MetaData
from recmeta.predictors._base import Predictor

F64 = NDArray[np.float64]
NOT_FEATURES = ("data_key", "dataset", "split", "family", "domain", "feedback", "licence")


def evaluate_on_metadata(
    known: MetaData, predictors: Mapping[str, Predictor], *, metric: str = "ndcg@10"
) -> pd.DataFrame:
    """Spearman correlation within unseen problems, one row a predictor: mean over families.

    ``with task`` has the meta-features of the log, ``without`` knows the configuration alone;
    ``mean order`` ranks by the mean share of the best over the other families: what a predictor
    must add to.

    Notes
    -----
    y is the share of the best score on the problem, so that problems can be compared.
    """
    X, task, y, problem = _table(known, metric)
    family = known.problems["family"].to_numpy()[problem]
    rows = []
    for left_out in np.unique(family):
        train, test = family != left_out, family == left_out
        found = {"mean order": _mean_order(X, y, train, test)}
        for name, predictor in predictors.items():
            for way, extra in (("without", None), ("with task", task)):
                model: Any = clone(predictor)
                given = [{} if extra is None else {"task": extra[rows]} for rows in (train, test)]
                model.fit(X[train], y[train], **given[0])
                found[f"{name} {way}"] = model.predict(X[test], **given[1])[0]
        for one in np.unique(problem[test]):
            own = problem[test] == one
            for way, predicted in found.items():
                rank = correlation(spearmanr, predicted[own], y[test][own])
                rows.append({"family": left_out, "way": way, "spearman": rank})
    means = pd.DataFrame(rows).groupby(["way", "family"], sort=False)["spearman"].mean()
    table = means.groupby("way", sort=False).agg(["mean", "sem"])
    return table.rename(columns={"mean": "spearman", "sem": "se"}).reset_index()


def _table(known: MetaData, metric: str) -> tuple[F64, F64, F64, NDArray[np.int64]]:
    """Encodings, meta-features, shares of the best and problems of all runs with a score."""
    scores = known.scores(metric).test
    problem, configuration = np.nonzero(np.isfinite(scores))
    best = np.nanmax(scores, axis=1, initial=0.0, where=np.isfinite(scores))
    usable = best[problem] > 0
    problem, configuration = problem[usable], configuration[usable]
    space = space_of(sorted(known.configurations["algorithm"].unique()))
    candidates = [
        space.candidate(name, complete(name, json.loads(params)))
        for name, params in known.configurations[["algorithm", "params"]].itertuples(index=False)
    ]
    numbers = known.problems.drop(columns=[name for name in NOT_FEATURES if name in known.problems])
    features = numbers.select_dtypes("number").to_numpy(np.float64)
    constant = np.nanstd(features, axis=0) == 0
    y = scores[problem, configuration] / best[problem]
    encoded = space.encode(candidates, "one_hot")
    return encoded[configuration], features[:, ~constant][problem], y, problem


def _mean_order(
    X: F64, y: F64, train: NDArray[np.bool_], test: NDArray[np.bool_]
) -> NDArray[np.float64]:
    _, group = np.unique(X, axis=0, return_inverse=True)
    group = group.ravel()
    counts = np.bincount(group[train], minlength=group.max() + 1)
    sums = np.bincount(group[train], weights=y[train], minlength=group.max() + 1)
    return np.asarray((sums / np.maximum(counts, 1))[group[test]])
