"""Small worlds in which it is known what the selector should learn."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.metalearning import metadata
from recmeta.metalearning.level import FEATURES as LEVEL_FEATURES
from recmeta.metalearning.metadata import MetaData
from recmeta.metalearning.quality import FEATURES

CONFIGURATIONS = (
    ("EASE", {"l2": 100.0}),
    ("ItemKNN", {"n_neighbours": 50}),
    ("TopPopular", {}),
)
World = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="session")
def shipped() -> MetaData:
    """The meta-data set of the package."""
    return metadata.load()


@pytest.fixture
def make(tmp_path: Path) -> Callable[[World], MetaData]:
    """Writes a meta-data set of 30 families in which scores = world(x), x standard normal."""

    def written(world: World, n: int = 30) -> MetaData:
        rng = np.random.default_rng(0)
        x = rng.normal(size=n)
        names = dict.fromkeys((*FEATURES, *LEVEL_FEATURES))
        problems = pd.DataFrame({name: rng.normal(size=n) for name in names})
        problems["basic.log_n_users"] = x
        problems["dataset"] = [f"d{i}" for i in range(n)]
        problems["family"] = [f"f{i}" for i in range(n)]
        problems["split"] = "random_holdout"
        sizes = {"n_users": 1000, "n_items": 500, "nnz": 20_000}
        problems = problems.assign(**sizes)
        scores = world(x)
        runs = [
            {"problem": i, "algorithm": name, "params": json.dumps(params, sort_keys=True)}
            | {"status": "ok" if np.isfinite(scores[i, c]) else "timeout", "fit_s": 0.5}
            | {"total_s": 1.0, "peak_mb": 20.0}
            | {f"{part}:ndcg@10": scores[i, c] for part in ("validation", "test")}
            for i in range(n)
            for c, (name, params) in enumerate(CONFIGURATIONS)
        ]
        problems.to_parquet(tmp_path / "problems.parquet")
        pd.DataFrame(runs).to_parquet(tmp_path / "runs.parquet")
        limits = {"time_limit_s": [60.0], "memory_bytes": [2**30]}
        (tmp_path / "provenance.json").write_text(json.dumps(limits))
        metadata.load.cache_clear()
        return metadata.load(tmp_path)

    return written
