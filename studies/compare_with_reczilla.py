"""Our mean ranks beside those of RecZilla's table 3: the same question, another protocol.

    python studies/compare_with_reczilla.py STORE [--table ../shared/reczilla/table_3_final.csv]

Theirs: the best of up to 100 configurations on test, means over the data sets on which an algorithm
ran, seen items not always removed. Ours: the configuration that validation chose, seen items
removed, a failure is the worst rank. Ranks are among the algorithms that both have, so far.
"""

import argparse
import csv
import re
from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from recmeta.experiments.store import Store

TABLE = Path(__file__).resolve().parents[2] / "shared" / "reczilla" / "table_3_final.csv"
WELL_BEGUN = 0.75  # share of the problems: an algorithm that a sweep has just begun has to wait
NAMES = {
    "Item-KNN": "ItemKNN", "P3alpha": "P3alpha", "SLIM-BPR": "SLIMBPR", "EASE-R": "EASE",
    "RP3beta": "RP3beta", "SVD": "PureSVD", "SLIM-ElasticNet": "SLIM", "iALS": "IALS",
    "NMF": "NMF", "User-KNN": "UserKNN", "MF-Funk": "FunkSVD", "TopPop": "TopPopular",
    "MF-Asy": "AsySVD", "MF-BPR": "BPR", "GlobalEffects": "GlobalEffects",
    "CoClustering": "CoClustering", "Random": "Random", "SlopeOne": "SlopeOne",
}  # fmt: skip


def published(file: Path) -> "pd.Series[float]":
    """Algorithm -> mean rank, of the third row of the table."""
    rows = list(csv.reader(file.open(encoding="utf-8")))
    names = [re.sub(r"\\rot\{(.*)\}", r"\1", name) for name in rows[0]]
    ranks = dict(zip(names, map(float, rows[3]), strict=True))
    return pd.Series({NAMES[name]: rank for name, rank in ranks.items() if name in NAMES})


def measured(store: Path, metric: str) -> tuple["pd.Series[float]", int]:
    """Mean rank over the problems on which all of the algorithms were begun, and their number.

    Algorithms are those that were begun on nearly all problems.
    """
    with Store(store) as results:
        best = results.best(metric, higher_is_better=True)
        counts = results.counts()
    begun = counts[counts["algorithm"].isin(NAMES.values())]
    n_problems = begun.groupby("algorithm")["data_key"].nunique()
    names = sorted(n_problems.index[n_problems > WELL_BEGUN * n_problems.max()])
    begun = begun[begun["algorithm"].isin(names)]
    per_problem = begun.groupby("data_key")["algorithm"].nunique()
    whole = per_problem.index[per_problem == len(names)]
    scores = best.pivot_table(index="data_key", columns="algorithm", values="test")
    scores = scores.reindex(index=whole, columns=names)
    ranks = scores.rank(axis=1, ascending=False, na_option="bottom")
    return ranks.mean(), len(whole)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--metric", default="ndcg@10")
    options = parser.parse_args()
    theirs = published(options.table)
    ours, n_problems = measured(options.store, options.metric)
    theirs = theirs[ours.index]
    table = pd.DataFrame({"RecZilla": theirs.rank(), "ours": ours.rank(), "our mean": ours})
    print(f"{n_problems} problems, {options.metric}; places among {len(table)} algorithms\n")
    print(
        "| algorithm | place in RecZilla's table 3 | our place | our mean rank |\n|---|---|---|---|"
    )
    for name, row in table.sort_values("our mean").iterrows():
        print(f"| {name} | {row['RecZilla']:.0f} | {row['ours']:.0f} | {row['our mean']:.2f} |")
    print(f"\nSpearman correlation of the places: {spearmanr(theirs, ours)[0]:.2f}")


if __name__ == "__main__":
    main()
