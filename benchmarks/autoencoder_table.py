"""A table of autoencoder recommenders: architectures x data sets, with learning curves and proxies.

    python benchmarks/autoencoder_table.py --store RUNS.jsonl [--architectures 320] [--seconds S]
    python benchmarks/autoencoder_table.py --store RUNS.jsonl --export benchmarks/autoencoders
    python benchmarks/autoencoder_table.py --analyse benchmarks/autoencoders
    python benchmarks/autoencoder_table.py --references

The first form trains what the store does not have yet, a line a run, all data sets of one
architecture before the next, so that it can be stopped at any time and goes on where it was. The
second writes the architectures that are complete on all data sets as Parquet; the others print the
tables of docs/autoencoders.md.

Data sets: of ../shared/datasets; the N_ITEMS items with the most users, then N_USERS users drawn
from those with at least SHORTEST of these items; random hold-out, validation 10 %, test 20 %.
Architectures: the default of AutoencoderRecommender, then uniform draws of AutoencoderSpace in
canonical form, none twice, the same for all data sets. Training is on the training part; the
histories of test are training and validation. Seconds of training are CPU seconds of one thread.
"""

import argparse
import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from scipy.sparse import csr_array

from recmeta.algorithms import EASE, AutoencoderRecommender, Recommender, TopPopular
from recmeta.architectures import AutoencoderSpace
from recmeta.architectures._base import Architecture
from recmeta.datasets import read
from recmeta.datasets.folds import Fold
from recmeta.datasets.splits import random_holdout
from recmeta.experiments.table import canonical_params
from recmeta.metrics.accuracy import ndcg
from recmeta.predictors.zero_cost import zero_cost

DATASETS = ("movielens-100k", "amazon-digital-music", "foursquare-nyc")
N_ITEMS, N_USERS, SHORTEST = 300, 500, 5
N_EPOCHS, LEARNING_RATE, BATCH_SIZE = 20, 2e-3, 100
MINIBATCH = 32  # users that the proxies see
K = 10
SPACE = AutoencoderSpace()


def folds(file: Path, seed: int = 0) -> tuple[Fold, Fold]:
    """Validation and test of a data set, capped as the docstring above says."""
    X = read(file).to_csr()
    popular = np.argsort(-np.bincount(X.indices, minlength=X.shape[1]), kind="stable")[:N_ITEMS]
    X = csr_array(X[:, np.sort(popular)])
    long_enough = np.flatnonzero(np.diff(X.indptr) >= SHORTEST)
    rng = np.random.default_rng(seed)
    users = np.sort(rng.permutation(long_enough)[:N_USERS])
    split = random_holdout(read(csr_array(X[users])), at_least=1, seed=seed)
    return split.fold("validation"), split.fold("test")


def architectures(n: int, seed: int = 0) -> list[Architecture]:
    """The default's architecture, then different ones drawn uniformly, canonical."""
    default = AutoencoderRecommender().get_params()
    names = SPACE.to_dict((0,) * len(SPACE.n_values))
    found = {SPACE.canonical(SPACE.from_dict({name: default[name] for name in names})): None}
    rng = np.random.default_rng(seed)
    while len(found) < n:
        found[SPACE.canonical(SPACE.sample(rng))] = None
    return list(found)


class Watched(AutoencoderRecommender):
    """Remembers the loss of each batch: what the sum of training losses is made of."""

    seen_: list[float]

    def _losses(self, *args: Any) -> Iterator[torch.Tensor]:
        for loss in super()._losses(*args):
            self.seen_.append(float(loss.detach()))
            yield loss


def model_of(arch: Architecture, seed: int) -> Watched:
    return Watched(
        **SPACE.to_dict(arch),
        learning_rate=LEARNING_RATE,
        batch_size=BATCH_SIZE,
        n_epochs=N_EPOCHS,
        random_state=seed,
    )


def proxies(arch: Architecture, fold: Fold, seed: int) -> dict[str, tuple[float | None, float]]:
    """All zero-cost proxies of the network that training starts from, with their seconds."""
    X = fold.fit
    model = model_of(arch, seed)
    model.n_users_, model.n_features_in_ = X.shape
    model._begin(X, np.random.default_rng(seed))
    network: Any = model._network()
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(np.diff(X.indptr)))[:MINIBATCH]
    lengths = np.diff(X.indptr)[rows]
    # epe_nas asks for classes: quarters of the users by the length of their history
    labels = torch.from_numpy(np.argsort(np.argsort(lengths, kind="stable")) * 4 // len(rows))
    x = network.rows(csr_array(X[rows]))
    scores = zero_cost(network, x, x, network.criterion, labels=labels, seed=seed)
    return {
        name: (None if np.isnan(score.value) else score.value, score.seconds)
        for name, score in scores.items()
    }


def quality(model: Recommender, fold: Fold) -> float:
    lists, _ = model.recommend(fold.history, K, users=fold.users, exclude=fold.exclude)
    return float(np.nanmean(ndcg(lists, fold.relevant, K)))


def trained(model: Watched, fold: Fold, test: Fold) -> dict[str, Any]:
    """By epoch: validation NDCG@10, mean training loss, seconds; test NDCG@10 of two states."""
    values, losses, seconds = list[float](), list[float](), list[float]()
    best, spent, started = model, 0.0, time.process_time()
    model.seen_ = []
    for _ in model.epochs(fold.fit):
        spent += time.process_time() - started
        seconds.append(spent)
        losses.append(float(np.mean(model.seen_)))
        model.seen_ = []
        values.append(quality(model, fold))
        if len(values) == 1 + int(np.argmax(values)):  # the first of equals is the best
            best = copy.deepcopy(model)
        started = time.process_time()
    tests = {"test": quality(model, test), "test_of_best": quality(best, test)}
    return {"values": values, "losses": losses, "seconds": seconds} | tests


def run(arch: Architecture, name: str, parts: tuple[Fold, Fold], seed: int) -> dict[str, Any]:
    """A line of the store."""
    line: dict[str, Any] = {"dataset": name, "architecture": list(arch), "seed": seed}
    line["proxies"] = proxies(arch, parts[0], seed)
    try:
        line |= trained(model_of(arch, seed), *parts) | {"status": "ok"}
    except FloatingPointError as error:
        line |= {"status": "diverged", "error": str(error)}
    return line


def stored(store: Path) -> list[dict[str, Any]]:
    """The lines; a last one that was cut off in the middle is left out."""
    if not store.exists():
        return []
    text = store.read_text(encoding="utf-8")
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def key(line: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(line["architecture"]), line["dataset"], line["seed"]


def missing(done: set[tuple[Any, ...]], n: int, seed: int) -> Iterator[tuple[Architecture, str]]:
    for arch in architectures(n):
        for name in DATASETS:
            if (arch, name, seed) not in done:
                yield arch, name


def generate(store: Path, shared: Path, n: int, seed: int, seconds: float) -> None:
    torch.set_num_threads(1)
    lines = stored(store)
    store.parent.mkdir(parents=True, exist_ok=True)
    store.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    parts = {name: folds(shared / "datasets" / name / "interactions.parquet") for name in DATASETS}
    started, done = time.perf_counter(), {key(line) for line in lines}
    for arch, name in missing(done, n, seed):
        if time.perf_counter() - started > seconds:
            break
        before = time.process_time()
        line = run(arch, name, parts[name], seed)
        with store.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(name, arch, line["status"], f"{time.process_time() - before:.2f} s", flush=True)


def complete(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs of architectures that have one on every data set, in the order of training."""
    by_arch: dict[tuple[Any, ...], set[str]] = {}
    for line in lines:
        by_arch.setdefault((tuple(line["architecture"]), line["seed"]), set()).add(line["dataset"])
    return [
        line
        for line in lines
        if by_arch[(tuple(line["architecture"]), line["seed"])] == set(DATASETS)
    ]


def row_of(line: dict[str, Any]) -> dict[str, Any]:
    """What runs.parquet has of a run, with NaN where training diverged."""
    params = model_of(tuple(line["architecture"]), 0).get_params()
    params.pop("random_state")
    values = line.get("values", [np.nan])
    scores = {
        "validation:ndcg@10": values[-1],
        "test:ndcg@10": line.get("test", np.nan),
        "validation:best_ndcg@10": max(values),
        "test:best_ndcg@10": line.get("test_of_best", np.nan),
    } | {f"proxy:{name}": value for name, (value, _) in line["proxies"].items()}
    return {
        "dataset": line["dataset"],
        "split": "random",
        "data_key": f"top {N_ITEMS} items, {N_USERS} users with {SHORTEST} of them",
        "algorithm": "AutoencoderRecommender",
        "params": canonical_params(params),
        "seed": line["seed"],
        "fidelity": 1.0,
        "status": line["status"],
        "fit_s": np.float32(line.get("seconds", [np.nan])[-1]),
        "best_epoch": 1 + int(np.argmax(values)),
        "architecture": line["architecture"],
    } | {name: np.float32(np.nan if value is None else value) for name, value in scores.items()}


def export(lines: list[dict[str, Any]], folder: Path) -> None:
    """runs.parquet, curves.parquet and proxies.parquet, joined by ``id``; see docs."""
    lines = complete(lines)
    ids = [str(number) for number in range(len(lines))]
    runs = pd.DataFrame(map(row_of, lines))
    runs.insert(0, "id", ids)
    known = [(id_, line) for id_, line in zip(ids, lines, strict=True) if "values" in line]
    floats = pa.list_(pa.float32())
    curves = pa.table({
        "id": [id_ for id_, _ in known],
        "epochs": pa.array([list(range(1, 1 + len(line["values"]))) for _, line in known], floats),
        **{
            name: pa.array([line[name] for _, line in known], floats)
            for name in ("values", "losses", "seconds")
        },
    })  # fmt: skip
    seconds = [{name: s for name, (_, s) in line["proxies"].items()} for line in lines]
    costs = pd.DataFrame(seconds).astype(np.float32)
    costs.insert(0, "id", ids)
    folder.mkdir(parents=True, exist_ok=True)
    columns = pa.Table.from_pandas(runs, preserve_index=False)
    at = columns.schema.get_field_index("architecture")
    columns = columns.set_column(
        at, "architecture", columns["architecture"].cast(pa.list_(pa.int8()))
    )
    for name, table in (
        ("runs", columns),
        ("curves", curves),
        ("proxies", pa.Table.from_pandas(costs, preserve_index=False)),
    ):
        pq.write_table(table, folder / f"{name}.parquet", compression="zstd", compression_level=15)
    print(f"{len(lines)} runs of {len(lines) // len(DATASETS)} architectures in {folder}")


def references(shared: Path) -> None:
    """The data sets as they are used here, and what two recommenders without epochs reach."""
    print("| data set | users | items | train | validation | test | TopPopular | EASE |")
    print("|---|---|---|---|---|---|---|---|")
    for name in DATASETS:
        fold, test = folds(shared / "datasets" / name / "interactions.parquet")
        sizes = [*fold.fit.shape, fold.fit.nnz, fold.relevant.nnz, test.relevant.nnz]
        scores = [quality(model.fit(fold.fit), test) for model in (TopPopular(), EASE())]
        print(f"| {name} |", *(f"{n:,} |" for n in sizes), *(f"{x:.3f} |" for x in scores))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--architectures", type=int, default=320)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--export", type=Path)
    parser.add_argument("--analyse", type=Path)
    parser.add_argument("--references", action="store_true")
    given = parser.parse_args()
    if given.references:
        references(given.shared)
    elif given.analyse:
        from autoencoder_analysis import analyse

        analyse(given.analyse)
    elif given.export:
        export(stored(given.store), given.export)
    else:
        generate(given.store, given.shared, given.architectures, given.seed, given.seconds)


if __name__ == "__main__":
    main()
