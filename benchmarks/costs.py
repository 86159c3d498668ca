"""What ``cost()`` promises beside what a fit takes, in a process of its own on one thread.

    python benchmarks/costs.py [LOG ...] [--only EASE,IALS]

Without LOG: synthetic logs of 1,000 x 800 with 30,000 events and of MovieLens-1M's shape; features
and times are made up. Processor seconds, and bytes that a fit with the defaults adds to its process
(fits.py says how they are measured). What trains in epochs does as many as cost() says to take 2 s.
Aim: within a factor of 3 either way. Fits of under 10 ms or 2 MiB are left without ratio: there the
clock and the pages of the process decide.
"""

import argparse
import sys

from fits import Fit, fits, is_possible, matrix_of, synthetic
from scipy.sparse import csr_array

from recmeta.algorithms import all_algorithms
from recmeta.datasets import read

SHAPES = {"1,000 x 800": (1000, 800, 30_000), "6,040 x 3,706": (6040, 3706, 1_000_000)}
LEAST_SECONDS, LEAST_BYTES = 0.01, 2 * 2**20


def ratio(promised: float, taken: float, least: float) -> str:
    return f"{promised / taken:.2f}" if taken >= least else "-"


def row(log: str, name: str, found: Fit | str) -> str:
    if isinstance(found, str):
        return f"| {log} | {name} | | {found} | | | | | |"
    cost, params = found.promised(), found.model.get_params()
    return (
        f"| {log} | {name} | {params.get('n_epochs', '')} | {found.seconds:.3f} "
        f"| {cost.seconds:.3f} | {ratio(cost.seconds, found.seconds, LEAST_SECONDS)} "
        f"| {found.growth / 1e6:.1f} | {cost.bytes / 1e6:.1f} "
        f"| {ratio(cost.bytes, found.growth, LEAST_BYTES)} |"
    )


def logs_of(paths: list[str]) -> dict[str, csr_array]:
    if not paths:
        return {name: synthetic(*shape) for name, shape in SHAPES.items()}
    return {(data := read(path)).name: matrix_of(data) for path in paths}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", nargs="*")
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    only = {name for name in given.only.split(",") if name}
    if not is_possible():
        sys.exit("memory is read from /proc: Linux only")
    logs = logs_of(given.logs)
    print(
        "| log | algorithm | epochs | fit s | cost() s | ratio | fit MB | cost() MB | ratio |\n"
        "|---|---|---|---|---|---|---|---|---|"
    )
    for name in sorted(all_algorithms()):
        if not only or name in only:
            for log, found in fits(name, logs).items():
                print(row(log, name, found), flush=True)


if __name__ == "__main__":
    main()
