"""How near the defaults come to tuning: a table from the store of a sweep.

    python benchmarks/default_shares.py STORE [--split random_holdout] [--metric ndcg@10]

For each algorithm and data set: the test score of the defaults over the test score of the
configuration that is best on validation (the defaults among them; 1 where they are chosen). Median
and quartile are over data sets; "within 5 %" is the share of them where it is .95 or more. "in
common": the one configuration with the highest median of the same share, and that median. Failed
runs count as 0. The sweep draws the same configurations for every data set; the more there are, the
nearer tuning comes to what can be reached:

    recmeta sweep --datasets NAMES --root FOLDER --split random --max-events 50000 --configs 10
"""

import argparse
import json
from pathlib import Path

import pandas as pd

from recmeta.experiments.configurations import configurations
from recmeta.experiments.store import Store


def table_of(store: Path, split: str, metric: str) -> pd.DataFrame:
    """One row an algorithm."""
    with Store(store, read_only=True) as results:
        runs = results.frame([metric])
    runs = runs[runs["split"] == split]
    # of a data set that was swept with several limits of size, the one with the most runs
    size = runs.groupby("data_key")["id"].transform("size")
    largest = size.groupby(runs["dataset"]).transform("max")
    runs = runs[size == largest]
    ok = runs[runs["status"] == "ok"]
    runs = runs[runs["algorithm"].isin(ok["algorithm"])]
    return pd.DataFrame(
        [row_of(name, of_one, metric) for name, of_one in runs.groupby("algorithm")]
    )


def row_of(name: str, runs: pd.DataFrame, metric: str) -> dict[str, object]:
    test = runs.pivot_table(
        index="dataset", columns="params", values=f"test:{metric}", dropna=False
    ).fillna(0.0)
    validation = (
        runs.pivot_table(
            index="dataset", columns="params", values=f"validation:{metric}", dropna=False
        )
        .reindex_like(test)
        .fillna(-1.0)
    )
    default = json.dumps(configurations([name], 0)[0].params, sort_keys=True)
    there = test[(test > 0).any(axis=1)]
    chosen = validation.loc[there.index].idxmax(axis=1)
    tuned = pd.Series({log: there.loc[log, params] for log, params in chosen.items()})
    shares = there.div(tuned, axis=0)
    common = str(shares.median().idxmax())
    own = shares[default] if default in shares else shares.iloc[:, 0] * float("nan")
    own_params = json.loads(default)
    changed = {
        name: value
        for name, value in json.loads(common).items()
        if name not in own_params or own_params[name] != value
    }
    return {
        "algorithm": name,
        "logs": len(shares),
        "configurations": shares.shape[1],
        "median": own.median(),
        "within 5 %": f"{(own >= 0.95).mean():.0%}" if own.notna().any() else "not run",
        "lower quartile": own.quantile(0.25),
        "least": own.min(),
        "in common": shares[common].median(),
        "which": ", ".join(f"{k}={v:.3g}" if isinstance(v, float) else f"{k}={v}"
                           for k, v in sorted(changed.items())) or "the defaults",
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("store", type=Path)
    parser.add_argument("--split", default="random_holdout")
    parser.add_argument("--metric", default="ndcg@10")
    options = parser.parse_args()
    table = table_of(options.store, options.split, options.metric)
    print("| " + " | ".join(table.columns) + " |")
    print("|" + "---|" * len(table.columns))
    for row in table.itertuples(index=False):
        cells = (f"{value:.3f}" if isinstance(value, float) else str(value) for value in row)
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
