"""First-call seconds of every algorithm, and the memory of a fit, each in a process of its own.

    python benchmarks/first_call.py [--only IALS,BPR]

"empty", "full": what the first fit and list of a process take more than the second, on a log of 60
x 40, with an empty compilation cache and with the one that the process before has filled; imports
that a fit makes are in both. "MB": what a fit adds at its peak to a process that has compiled and
holds X, on the log of algorithms.py with 300,000 events, plus X. "needs": X, the learned arrays and
the work arrays that the documentation names, from the same fit. What cost() says to take over 20 s
is not measured.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from recmeta.algorithms import all_algorithms

SHAPE = 6040, 3706, 300_000
LONGEST = 20.0

CHILD = """
import json, sys, time
import numpy as np
from scipy.sparse import csr_array, random_array
from recmeta.algorithms import get

cls = get(sys.argv[1])
rng = np.random.default_rng(0)
tiny = csr_array(random_array((60, 40), density=0.3, rng=rng) > 0, dtype=np.float32)

def once():
    start = time.perf_counter()
    model = cls(**cls.tiny).fit(tiny)
    model.recommend(tiny, 10)
    return time.perf_counter() - start

first = once()
answer = {"first": first - once()}
if len(sys.argv) > 2:
    from recmeta.datasets.synthetic import generate
    from recmeta.datasets.splits import random_holdout
    users, items, events = json.loads(sys.argv[2])
    data = generate(n_users=users, n_items=items, n_events=events, seed=42)
    X = random_holdout(data, seed=0).fold("test").fit
    del data

    def status(name):
        with open("/proc/self/status") as file:
            lines = dict(line.split(":", 1) for line in file)
        return 1024 * int(lines[name].split()[0])

    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak starts anew
    before = status("VmRSS")
    model = cls().fit(X)
    bytes_of = lambda a: a.nbytes if isinstance(a, np.ndarray) else sum(
        part.nbytes for part in (a.data, a.indices, a.indptr)) if hasattr(a, "indptr") else 0
    own = bytes_of(X)
    answer["peak"] = status("VmHWM") - before + own
    answer["needs"] = own + sum(map(bytes_of, vars(model).values()))
    answer["x"], answer["shape"] = own, X.shape
print(json.dumps(answer))
"""
# what a docstring says of memory beyond what is learned, in bytes; else X turned over at most
WORK = {
    "ADMMSLIM": lambda n_users, n_items, x: 20 * n_items**2,
    "SLIM": lambda n_users, n_items, x: 4 * n_items**2,
}


def child(name: str, cache: str, *more: str) -> dict[str, float]:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, name, *more],
        env=os.environ | {"NUMBA_CACHE_DIR": cache}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise RuntimeError(ran.stderr.strip().splitlines()[-1])
    answer: dict[str, float] = json.loads(ran.stdout)
    return answer


def row(name: str) -> str:
    cls = all_algorithms()[name]
    more = [] if cls.cost(*SHAPE).seconds > LONGEST else [json.dumps(SHAPE)]
    with tempfile.TemporaryDirectory() as cache:
        empty = child(name, cache)
        full = child(name, cache, *more)
    text = f"| {name} | {empty['first']:.2f} | {full['first']:.2f} "
    if not more:
        return text + "| | | |"
    n_users, n_items = SHAPE[:2]
    work = WORK.get(name, lambda n_users, n_items, x: x)(n_users, n_items, full["x"])
    needs = full["needs"] + work
    return text + f"| {full['peak'] / 1e6:.0f} | {needs / 1e6:.0f} | {full['peak'] / needs:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    only = {name for name in parser.parse_args().only.split(",") if name}
    if not Path("/proc/self/clear_refs").exists():
        sys.exit("memory is read from /proc: Linux only")
    print(
        "| algorithm | empty, s | full, s | fit MB | needs MB | ratio |\n|---|---|---|---|---|---|"
    )
    for name, cls in sorted(all_algorithms().items()):
        if (only and name not in only) or cls.uses:  # what uses features or times has other inputs
            continue
        try:
            print(row(name), flush=True)
        except RuntimeError as error:
            print(f"| {name} | failed: {error} |", flush=True)


if __name__ == "__main__":
    main()
