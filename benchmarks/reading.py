"""Reading a log of a million rows with all its checks, beside pandas.read_csv of the same file.

    python benchmarks/reading.py [--rows 1000000] [--repeats 5]

Columns user, item, rating, timestamp; 200,000 users and 30,000 items, ids as whole numbers or as
text, times as Unix seconds or as ISO 8601 text; 0.1 % of the pairs are repeated. Two threads;
medians of alternated runs in one process. pandas only parses: ids stay as they are and dates stay
text; "with codes" adds what an index of the log needs at least: pd.factorize of both ids and
DataFrame.duplicated. Targets: under 3 s, and at most 3 times read_csv.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from recmeta.datasets import read

N_USERS, N_ITEMS, START = 200_000, 30_000, 1_500_000_000


def log(n_rows: int, *, text_ids: bool, dates: bool) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    users = 1 + rng.integers(N_USERS, size=n_rows)
    items = (N_ITEMS * rng.random(n_rows) ** 3).astype(int)  # the first tenth has half the events
    seconds = START + rng.integers(10**8, size=n_rows)
    return pd.DataFrame(
        {
            "user": np.char.add("user-", users.astype("U8")) if text_ids else users,
            "item": np.char.add("B00", items.astype("U8")) if text_ids else items,
            "rating": rng.integers(1, 11, n_rows) / 2,
            "timestamp": pd.to_datetime(seconds, unit="s") if dates else seconds,
        }
    )


def with_codes(path: Path) -> None:
    frame = pd.read_csv(path)
    pd.factorize(frame["user"], sort=True)
    pd.factorize(frame["item"], sort=True)
    frame.duplicated(["user", "item"])


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    pa.set_cpu_count(2)
    kinds = {
        "ids are whole numbers": {"text_ids": False, "dates": False},
        "ids are text": {"text_ids": True, "dates": False},
        "ids and dates are text": {"text_ids": True, "dates": True},
    }
    works = {"recmeta": read, "read_csv": pd.read_csv, "with codes": with_codes}
    print("| file | MB | recmeta.read, s | pandas.read_csv, s | with codes, s | ratios |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, made in kinds.items():
            path = Path(folder) / "log.csv"
            log(options.rows, **made).to_csv(path, index=False)
            read(path)  # imports, and the page cache
            times: dict[str, list[float]] = {who: [] for who in works}
            for _ in range(options.repeats):
                for who, work in works.items():
                    times[who].append(seconds(partial(work, path)))
            ours, parsed, coded = (statistics.median(times[who]) for who in works)
            size = path.stat().st_size / 1e6
            print(f"| {kind} | {size:.0f} | {ours:.2f} | {parsed:.2f} | {coded:.2f} "
                  f"| {ours / parsed:.1f}, {ours / coded:.1f} |")  # fmt: skip


if __name__ == "__main__":
    main()
