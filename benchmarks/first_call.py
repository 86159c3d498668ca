"""First-call seconds of every algorithm, each in a process of its own; memory.py has the bytes.

    python benchmarks/first_call.py [--only IALS,BPR]

"empty", "full": what the first fit and list of a process take more than the second, on a log of 60
x 40, with an empty compilation cache and with the one that the process before has filled; imports
that a fit makes are in both.
"""

import argparse
import os
import subprocess
import sys
import tempfile

from recmeta.algorithms import all_algorithms

CHILD = """
import sys, time
import numpy as np
from scipy.sparse import csr_array, random_array
from recmeta.algorithms import get
from recmeta.testing.informed import informed

cls = informed(get(sys.argv[1]))  # features and times are made up
rng = np.random.default_rng(0)
tiny = csr_array(random_array((60, 40), density=0.3, rng=rng) > 0, dtype=np.float32)

def once():
    start = time.perf_counter()
    model = cls(**cls.tiny).fit(tiny)
    model.recommend(tiny, 10)
    return time.perf_counter() - start

first = once()
print(first - once())
"""


def first_call(name: str, cache: str) -> float:
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, name],
        env=os.environ | {"NUMBA_CACHE_DIR": cache}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        raise RuntimeError(ran.stderr.strip().splitlines()[-1])
    return float(ran.stdout)


def row(name: str) -> str:
    with tempfile.TemporaryDirectory() as cache:
        empty, full = first_call(name, cache), first_call(name, cache)
    return f"| {name} | {empty:.2f} | {full:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    only = {name for name in parser.parse_args().only.split(",") if name}
    print("| algorithm | empty, s | full, s |\n|---|---|---|")
    for name in sorted(all_algorithms()):
        if only and name not in only:
            continue
        try:
            print(row(name), flush=True)
        except RuntimeError as error:
            print(f"| {name} | failed: {error} |", flush=True)


if __name__ == "__main__":
    main()
