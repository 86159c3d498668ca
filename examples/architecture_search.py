"""Search an architecture for a recommender on a table of trained ones: no training, seconds.

    python examples/architecture_search.py

The table (docs/autoencoders.md) has autoencoder recommenders that were trained on three data sets.
A simulated clock counts the seconds that their training took; what is shown is NDCG@10 on
validation of the best network that each strategy had found by then, over seeds.
"""

from pathlib import Path

import numpy as np

from recmeta.experiments.known_configurations import KnownConfigurations
from recmeta.experiments.nas_tables import autoencoders
from recmeta.experiments.simulator import answers_of, best_by, simulate
from recmeta.predictors.boosting import Boosting
from recmeta.search.bananas import BANANAS
from recmeta.search.local_search import LocalSearch
from recmeta.search.random_search import RandomSearch
from recmeta.search.regularised_evolution import RegularisedEvolution

TABLE = Path(__file__).parents[1] / "benchmarks" / "autoencoders"
METRIC = "validation:ndcg@10"
MARKS = (10.0, 20.0, 40.0)  # seconds of training
STRATEGIES = {
    "random": RandomSearch(),
    "evolution": RegularisedEvolution(n_initial=5, n_population=15, n_tournament=5),
    "local search": LocalSearch(n_initial=5),
    "BANANAS": BANANAS(predictor=Boosting(), n_initial=8),
}


def main() -> None:
    table = autoencoders(TABLE)
    for name, problem in table.problems.items():
        space = KnownConfigurations(table, name)
        answers = answers_of(table, name, METRIC, space)
        best = float(np.nanmax(problem.metrics[METRIC]))
        print(f"{name}: {len(space.known)} networks, the best reaches {best:.4f}")
        for label, strategy in STRATEGIES.items():
            found = []
            for seed in range(3):
                steps = simulate(
                    space, strategy, answers, n_trials=60, budget_s=MARKS[-1], seed=seed
                )
                found.append(best_by(steps, MARKS))
            means = np.nanmean(found, axis=0)
            shown = "  ".join(
                f"{at:.0f} s {mean:.4f}" for at, mean in zip(MARKS, means, strict=True)
            )
            print(f"  {label:14s}{shown}")


if __name__ == "__main__":
    main()
