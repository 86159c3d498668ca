"""Search an architecture for a recommender on a table of trained ones: nothing is trained.

    python examples/architecture_search.py [--trials N] [--seeds N]

Some seconds of processor, most of them the refits of the predictor of BANANAS. The table
(docs/autoencoders.md) has autoencoder recommenders that were trained on three data sets; two are
taken. A simulated clock counts the seconds that their training took; what is shown is NDCG@10 on
validation (higher is better) of the best network that each strategy had found by then, the mean
over seeds: two tell how to ask, not which strategy is best (docs/nas.md).
"""

import argparse
from pathlib import Path

import numpy as np

from recmeta.experiments.known_configurations import KnownConfigurations
from recmeta.experiments.nas_tables import autoencoders
from recmeta.experiments.simulator import answers_of, best_by, simulate
from recmeta.experiments.table import BenchmarkTable
from recmeta.predictors.boosting import Boosting
from recmeta.search import Strategy
from recmeta.search.bananas import BANANAS
from recmeta.search.local_search import LocalSearch
from recmeta.search.random_search import RandomSearch
from recmeta.search.regularised_evolution import RegularisedEvolution

TABLE = Path(__file__).parents[1] / "benchmarks" / "autoencoders"
PROBLEMS = ("amazon-digital-music/random", "movielens-100k/random")
METRIC = "validation:ndcg@10"
MARKS = (5.0, 10.0, 20.0)  # seconds of training
STRATEGIES: dict[str, Strategy] = {
    "random": RandomSearch(),
    "evolution": RegularisedEvolution(n_initial=5, n_population=15, n_tournament=5),
    "local search": LocalSearch(n_initial=5),
    "BANANAS": BANANAS(predictor=Boosting(), n_initial=8),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=40, help="networks a strategy may ask for")
    parser.add_argument("--seeds", type=int, default=2, help="searches of each strategy")
    options = parser.parse_args()
    table = autoencoders(TABLE)
    for problem in PROBLEMS:
        show(table, problem, options.trials, options.seeds)


def show(table: BenchmarkTable, problem: str, n_trials: int, n_seeds: int) -> None:
    """A line for each strategy, as soon as it is known."""
    space = KnownConfigurations(table, problem)
    answers = answers_of(table, problem, METRIC, space)
    best = float(np.nanmax(table.problems[problem].metrics[METRIC]))
    print(f"{problem}: {len(space.known)} networks, the best has {METRIC} {best:.4f}", flush=True)
    for label, strategy in STRATEGIES.items():
        found = []
        for seed in range(n_seeds):
            steps = simulate(
                space, strategy, answers, n_trials=n_trials, budget_s=MARKS[-1], seed=seed
            )
            found.append(best_by(steps, MARKS))
        means = np.nanmean(found, axis=0)
        shown = "  ".join(f"{at:.0f} s {mean:.4f}" for at, mean in zip(MARKS, means, strict=True))
        print(f"  {label:14s}{shown}", flush=True)


if __name__ == "__main__":
    main()
