"""A store that goes through Parquet, or into another, is the same store; damage is found."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.leaderboard import leaderboard
from recmeta.experiments.store import Store
from recmeta.experiments.transfer import check, export, import_, merge

NAMES = ["ndcg@10", "ndcg@5", "recall@10", "gini@20"]
CURVE = {"epochs": [1.0, 2.0], "values": [0.25, 0.5], "seconds": [1.0, 2.0]}
DEFAULT = {"l2": 500.0, "dropout": 0.0}
FILES = ["runs", "metrics", "vectors", "curves", "datasets", "environments"]
# floats but the scores of runs.parquet have 12 bits of fraction
PRECISION = {"rtol": 2**-12, "atol": 0}


def fill(store: Store, *, seeds: range = range(2)) -> None:
    """A sweep of two data sets, two algorithms and four configurations; some runs fail."""
    rng = np.random.default_rng(seeds.start)
    for d in range(2):
        store.add_dataset(f"key{d}", f"d{d}", "random", {"n_users": 5, "features": {"a.b": 0.1}})
        for algorithm in ("TopPopular", "EASE", "mine:Gone"):
            for x in range(4):
                for seed in seeds:
                    task = Task("/b", f"d{d}", f"key{d}", "random", algorithm, {"x": x}, seed)
                    task = replace(task, time_limit_s=20.0, memory_bytes=2**32 + 1)
                    store.add(task, result_of(rng, failed=x == 3 and seed == 1))


def result_of(rng: np.random.Generator, *, failed: bool = False) -> Result:
    parts = ["validation", "test"][: 1 if failed else 2]
    rows = {part: dict(zip(NAMES, rng.random(4).tolist(), strict=True)) for part in parts}
    return Result(
        "timeout" if failed else "ok",
        metrics=rows,
        standard_errors={part: {"ndcg@10": 0.01, "ndcg@5": 0.03} for part in parts},
        per_user={part: {"ndcg@10": rng.random(3).astype(np.float16)} for part in parts},
        n_users=dict.fromkeys(parts, 3),
        fit_s=float(rng.random()),
        curve=CURVE if failed else {},
        n_epochs=2 if failed else None,
        error="Traceback\n  in a file\nTooSlow: 21 s" if failed else "",
        versions={"numpy": "9"},
    )


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "s.sqlite") as one:
        fill(one)
        yield one


@pytest.fixture
def other(tmp_path):
    with Store(tmp_path / "other.sqlite") as one:
        yield one


def table_of(store: Store, metrics: list[str]) -> pd.DataFrame:
    return store.frame(metrics).sort_values("id", ignore_index=True)


def boards_are_equal(one: Store, two: Store, metrics: list[str], **precision: float) -> None:
    for metric in metrics:
        tables = [leaderboard(store, metric).table for store in (one, two)]
        pd.testing.assert_frame_equal(*tables, **precision)
        tables = [store.best(metric, higher_is_better=True) for store in (one, two)]
        pd.testing.assert_frame_equal(*tables, **precision)
    pd.testing.assert_frame_equal(one.counts(), two.counts())


def test_a_store_comes_back_from_parquet_as_it_was(store, other, tmp_path):
    files = export(store, tmp_path / "out")
    assert [file.stem for file in files] == FILES
    n_runs = len(store.done_ids(time_limit_s=20.0))
    assert import_(tmp_path / "out", other) == n_runs == 48
    before, after = table_of(store, NAMES), table_of(other, NAMES)
    before["finished_at"] = before["finished_at"].round()
    pd.testing.assert_frame_equal(before, after, **PRECISION)
    for name in before:
        if "@10" in name and not name.endswith(":se"):  # these choose and rank
            scored = (before["status"] == "ok").to_numpy()
            np.testing.assert_array_equal(before.loc[scored, name], after.loc[scored, name])
    boards_are_equal(store, other, ["ndcg@10", "recall@10"], **PRECISION)
    for key in ("key0", "key1"):
        for part in ("validation", "test"):
            one, two = (s.vectors(key, "ndcg@10", part) for s in (store, other))
            assert one.keys() == two.keys() != set()
            for id_, vector in one.items():
                np.testing.assert_array_equal(vector, two[id_])
    for id_ in before["id"]:
        assert store.curve(id_) == other.curve(id_)
    assert other.metrics() == store.metrics()
    assert other.dataset_rows() == store.dataset_rows()
    assert check(other) == []


def test_the_same_runs_give_the_same_bytes(store, other, tmp_path):
    first = [file.read_bytes() for file in export(store, tmp_path / "one")]
    import_(tmp_path / "one", other)
    assert [file.read_bytes() for file in export(other, tmp_path / "two")] == first


def test_what_is_published_is_the_default_and_the_best(store, other, tmp_path):
    rng = np.random.default_rng(9)
    params = dict(_defaults("EASE"))
    default = Task("/b", "d0", "key0", "random", "EASE", params)
    store.add(default, replace(result_of(rng), metrics={
        part: dict.fromkeys(NAMES, 1e-4) for part in ("validation", "test")}))  # fmt: skip
    export(store, tmp_path / "out", "best")
    best = store.best("ndcg@10", higher_is_better=True)
    key = ["data_key", "algorithm", "params"]
    runs = store.frame()
    chosen = runs.merge(best[key])["id"].tolist()
    failed = runs.loc[runs["status"] != "ok", "id"].tolist()
    kept = {*chosen, *failed, default.id}
    assert len(kept) < len(runs)
    assert set(pd.read_parquet(tmp_path / "out" / "metrics.parquet")["id"]) == kept
    vectors = pq.read_table(tmp_path / "out" / "vectors.parquet").to_pydict()
    assert set(vectors["part"]) == {"test"}
    assert set(vectors["id"]) == kept - set(failed)  # these have none of test
    assert len(pq.read_table(tmp_path / "out" / "runs.parquet")) == len(runs)
    errors = pd.read_parquet(tmp_path / "out" / "runs.parquet")["error"]
    assert set(errors) == {"", "TooSlow: 21 s"}
    import_(tmp_path / "out", other)
    boards_are_equal(store, other, ["ndcg@10", "recall@10"], **PRECISION)
    for name, here in (("ndcg@5", kept), ("ndcg@10", set(runs["id"]))):
        frame = other.frame([name])
        assert set(frame.loc[frame[f"validation:{name}"].notna(), "id"]) == here
    assert check(other) == []
    again = [file.read_bytes() for file in export(other, tmp_path / "again", "best")]
    assert again == [(tmp_path / "out" / f"{name}.parquet").read_bytes() for name in FILES]


def _defaults(algorithm: str) -> dict[str, object]:
    from recmeta.algorithms import all_algorithms

    return all_algorithms()[algorithm]().get_params()


def test_nothing_of_the_host_is_exported(store, tmp_path):
    export(store, tmp_path / "out")
    texts = pd.read_parquet(tmp_path / "out" / "environments.parquet")["versions"]
    assert {json.loads(text)["host"] for text in texts} == {""}


def test_a_store_without_runs_goes_through_parquet(other, tmp_path):
    export(other, tmp_path / "out", "best")
    with Store(tmp_path / "new.sqlite") as new:
        assert import_(tmp_path / "out", new) == 0
        assert new.frame().empty


def test_a_folder_that_is_no_export_is_said(store, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no exported store in .*: it has no runs"):
        import_(tmp_path, store)


def test_metrics_of_other_runs_are_refused_and_nothing_is_taken(store, other, tmp_path):
    export(store, tmp_path / "out")
    file = tmp_path / "out" / "metrics.parquet"
    table = pq.read_table(file)
    pq.write_table(table.take(np.arange(len(table))[::-1]), file)
    with pytest.raises(ValueError, match=r"metrics\.parquet has the run .* another place there"):
        import_(tmp_path / "out", other)
    assert other.frame().empty


@pytest.mark.parametrize("way", ["import", "merge"])
def test_a_run_that_has_only_its_headline_gives_way_to_the_whole_one(store, other, tmp_path, way):
    export(store, tmp_path / "best", "best")
    import_(tmp_path / "best", other)
    before = other.frame(NAMES)
    n_poor = int((before["test:ndcg@5"].isna() & (before["status"] == "ok")).sum())
    n_without = len(before.query("status == 'ok'")) - n_poor  # whole, but of test alone
    assert min(n_poor, n_without) > 0
    export(store, tmp_path / "all")
    take = {
        "import": lambda: import_(tmp_path / "all", other),
        "merge": lambda: merge([store], other),
    }
    assert take[way]() == n_poor + n_without
    apart = ["finished_at", "error"]  # of the failed ones, what the export of the best shortened
    whole, now = (table_of(one, NAMES).drop(columns=apart) for one in (store, other))
    pd.testing.assert_frame_equal(whole, now[whole.columns], check_dtype=False, **PRECISION)
    for key in ("key0", "key1"):
        for part in ("validation", "test"):
            want = store.vectors(key, "ndcg@10", part).keys()
            failed = set(before.loc[before["status"] != "ok", "id"])
            assert want - failed <= other.vectors(key, "ndcg@10", part).keys()
    assert (take[way](), import_(tmp_path / "best", other), check(other)) == (0, 0, [])


def test_stores_merge_without_repeats_whatever_their_order_of_metrics(store, other, tmp_path):
    rng = np.random.default_rng(5)
    extra = Task("/b", "d9", "key9", "time", "A", {"y": 1})
    reversed_names = dict(zip(["new@3", *NAMES[::-1]], rng.random(5).tolist(), strict=True))
    other.add(extra, Result("ok", metrics={"test": reversed_names, "validation": {}}))
    fill(other, seeds=range(1, 3))  # seed 1 is in both
    with Store(tmp_path / "into.sqlite") as into:
        assert merge([store, other], into) == 73
        assert merge([store, other], into) == 0
        assert check(into) == []
        names = [*NAMES, "new@3"]
        merged = table_of(into, names).set_index("id")
        for source in (store, other):
            frame = table_of(source, names).set_index("id")
            if source is other:
                frame = frame[frame["seed"] != 1]
            both = merged.loc[frame.index, frame.columns], frame
            pd.testing.assert_frame_equal(*both, check_dtype=False)
        assert merged.loc[extra.id, "test:new@3"] == pytest.approx(reversed_names["new@3"])
        with_curve = store.frame().query("status != 'ok'")["id"].tolist()
        assert into.curve(with_curve[0]) == CURVE
        vectors = into.vectors("key1", "ndcg@10")
        for id_, vector in store.vectors("key1", "ndcg@10").items():
            np.testing.assert_array_equal(vectors[id_], vector)


DAMAGE = {
    "UPDATE run SET seed = 77 WHERE number = 3": "is not the hash of what it was asked",
    "DELETE FROM environment": "48 rows of run name a environment that is not there",
    "DELETE FROM run WHERE number = 1": "2 blobs of metrics belong to no run",
    "UPDATE measured SET metrics = x'00' WHERE number < 6": "blobs of metrics have a length",
    "UPDATE measured SET errors = x'00' WHERE number = 4": "1 blobs of standard errors have a",
    "UPDATE measured SET errors = x'FF0000000000' WHERE number = 4": "name a metric that is not",
    "UPDATE vector SET float16 = x'0000'": "vectors over users have not a value for each user",
    "UPDATE curve SET seconds = x''": "6 learning curves have a length that cannot be",
    "UPDATE score SET test = test + 1 WHERE run = 5": "1 runs have other scores than their blobs",
    "DELETE FROM score WHERE run = 5": "1 runs have other scores than their blobs",
    "UPDATE score SET problem = 2 WHERE problem = 1": "scores are of another problem or",
    "UPDATE run SET configuration = 1": "runs have a configuration of another algorithm",
    "DELETE FROM metric_name WHERE number = 2": "metrics are not numbered without a gap",
}


@pytest.mark.parametrize(("damage", "finding"), DAMAGE.items(), ids=DAMAGE.values())
def test_damage_is_found_and_said(store, damage, finding):
    assert check(store) == []
    store.connection.execute(damage)
    assert any(finding in line for line in check(store)), check(store)


def test_pages_that_are_damaged_are_found(store):
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (root,) = store.connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'measured'"
    ).fetchone()
    store.close()
    with store.path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(bytes(64))
    with Store(store.path) as again:
        findings = check(again)
    assert findings
    assert all(line.startswith("SQLite: ") for line in findings)
