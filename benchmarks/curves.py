"""Learning curves of TaskSet: how well the end is ranked from 5, 10 and 25 of 51 points.

    python benchmarks/curves.py [--methods LastValue CurveTrees] [--seeds 3] [--lengths 10]

12 tasks of 1,000 configurations; a configuration counts if its loss is finite in what was seen
(nothing later is looked at); losses are log(clip(loss, 1e-8, 10)), what diverges later ends at the
clip. 100 random ones are known to the end, with their 8 hyperparameters; the others are ranked, and
Kendall's tau-b with their final value is averaged over tasks and seeds. ``gain`` is over the last
value on the same curves, with the standard error of its mean over tasks. ``within`` is the share of
final values within one predicted deviation of the mean (.683 is right). Seconds are of one task:
``fit`` with the first query, where what depends on the length is learned, and ``query`` again.

CurveTrees was chosen on tasks 0, 2, 4, ... with seeds 0 to 3; ``unseen`` is the mean over tasks
1, 3, 5, ... with the seeds here, which begin at 10. Slow methods rank fewer curves (``SLOW``), of
one seed.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau

from recmeta import predictors
from recmeta.predictors import Predictor

FILE = Path(__file__).parents[2] / "shared" / "nas" / "taskset_learning_curves.npz"
N_KNOWN, LENGTHS, FIRST_SEED = 100, (5, 10, 25), 10
SLOW = {"ParametricCurves": 900, "CurveNetwork": 200, "PosteriorCurves": 30}  # curves ranked

METHODS: dict[str, Callable[[], Predictor]] = {
    "LastValue": predictors.LastValue,
    "BestValue": lambda: predictors.BestValue(larger_is_better=False),
    "SumOfLosses": predictors.SumOfLosses,
    "SumOfLosses(window=5)": lambda: predictors.SumOfLosses(window=5),
    "CurveTrees": predictors.CurveTrees,
    "CurveTrees, curves alone": lambda: predictors.CurveTrees(use_inputs=False),
    "CurveSVR": predictors.CurveSVR,
    "CurveSVR, curves alone": lambda: predictors.CurveSVR(use_inputs=False),
    "ParametricCurves": lambda: predictors.ParametricCurves(larger_is_better=False),
    "CurveNetwork": lambda: predictors.CurveNetwork(),
    "PosteriorCurves": lambda: predictors.PosteriorCurves(larger_is_better=False),
}


def tasks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Hyperparameters, on log scales, and validation losses of each task."""
    with np.load(FILE) as file:
        for name in sorted(key[: -len("__valid")] for key in file if key.endswith("__valid")):
            X = file[f"{name}__hp"].astype(np.float64)
            X[:, 1:3] = 1 - np.minimum(X[:, 1:3], 1 - 1e-8)  # momenta: how far from 1
            yield np.log10(np.maximum(X, 1e-12)), file[f"{name}__valid"].astype(np.float64)


def measured(
    make: Callable[[], Predictor],
    X: np.ndarray,
    losses: np.ndarray,
    length: int,
    seed: int,
    most: int,
) -> list[float]:
    """Kendall's tau, its gain, the share within, seconds of fit and first query, and of query."""
    kept = np.isfinite(losses[:, :length]).all(axis=1)
    X, losses = X[kept], np.where(np.isfinite(losses[kept]), losses[kept], np.inf)
    curves = np.log(np.clip(losses, 1e-8, 10))
    order = np.random.default_rng(seed).permutation(len(X))
    known, new = order[:N_KNOWN], order[N_KNOWN:][:most]
    seen = np.where(np.arange(curves.shape[1]) < length, curves[new], np.nan)
    start = time.perf_counter()
    model = make().fit(X[known], curves[known, -1], curves=curves[known])
    mean, std = model.predict(X[new], curves=seen)
    middle = time.perf_counter()
    if most > 100:
        model.predict(X[new], curves=seen)
    end = time.perf_counter()
    y = curves[new, -1]
    within = float(np.mean(np.abs(y - mean) <= std))
    tau, last = (float(kendalltau(guess, y)[0]) for guess in (mean, curves[new, length - 1]))
    return [tau, tau - last, within, middle - start, end - middle]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lengths", nargs="*", type=int, default=list(LENGTHS))
    options = parser.parse_args()
    data = list(tasks())
    print("| method | points | Kendall | gain | s.e. | unseen | within | fit | query | curves |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in options.methods:
        most = SLOW.get(name, 900)
        seeds = range(FIRST_SEED, FIRST_SEED + (1 if name in SLOW else options.seeds))
        for length in options.lengths:
            rows = np.array(
                [[measured(METHODS[name], *task, length, s, most) for s in seeds] for task in data]
            )  # (n_tasks, n_seeds, 5)
            tau, gain, within, fit, query = rows.mean(axis=(0, 1))
            error = rows[:, :, 1].mean(axis=1).std(ddof=1) / np.sqrt(len(data))
            print(
                f"| {name} | {length} | {tau:.3f} | {gain:+.3f} | {error:.3f} | "
                f"{rows[1::2, :, 0].mean():.3f} | {within:.2f} | "
                f"{fit:.2f} | {query:.2f} | {most} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
