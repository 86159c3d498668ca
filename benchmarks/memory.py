"""What a fit adds to its process at its peak, beside the arrays that its method needs.

    python benchmarks/memory.py [--only IALS,BPR] [--own-pages]

"fit MB": X, and the most that the process grows by in a fit with the defaults (fits.py says how
that is measured). "needs MB": X, what is learned, and the work arrays of the method, as
memory_needs.py lists them. "ratio" of these, and "arrays", of what X and the fit's own arrays take
by Python's books (not known of torch). Aim: 1.2 at most. Logs of 6,040 x 3,706 with 300,000 events,
and with 1,000,000 as MovieLens-1M has; features and times are made up. One thread: another adds its
work space. Epochs allocate all the same, so few are done. Where "needs" is a few MB, pages that
malloc keeps and the work space of BLAS decide.

With --own-pages malloc gives each array above 128 KiB pages of its own, so that it keeps none that
was freed: what the arrays of the fit take at once. recmeta leaves malloc as it is, since fits that
make large arrays again and again take up to two fifths longer that way.
"""

import argparse
import math
import os
import sys

from fits import Fit, fits, is_possible, synthetic

from recmeta.algorithms import all_algorithms

MALLOC = "MALLOC_MMAP_THRESHOLD_"
SHAPES = {"300,000": (6040, 3706, 300_000), "1,000,000": (6040, 3706, 1_000_000)}


def cells(found: Fit | str) -> str:
    if isinstance(found, str):
        return f"| {found} | | | "
    top, arrays = found.size + found.growth, (found.size + found.arrays) / found.needs
    ratios = f"{top / found.needs:.2f} | {'-' if math.isnan(arrays) else f'{arrays:.2f}'}"
    return f"| {top / 1e6:.1f} | {found.needs / 1e6:.1f} | {ratios} "


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--own-pages", action="store_true")
    given = parser.parse_args()
    if given.own_pages and MALLOC not in os.environ:  # malloc reads it when a process starts
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, MALLOC: "131072"})
    only = {name for name in given.only.split(",") if name}
    if not is_possible():
        sys.exit("memory is read from /proc: Linux only")
    logs = {name: synthetic(*shape) for name, shape in SHAPES.items()}
    columns = "".join(f" {name}: fit MB | needs MB | ratio | arrays |" for name in logs)
    print(f"| algorithm |{columns}\n|---|{'---|---|---|---|' * len(logs)}")
    for name in sorted(all_algorithms()):
        if not only or name in only:
            found = fits(name, logs, trace=True)
            print(f"| {name} {''.join(map(cells, found.values()))}|", flush=True)


if __name__ == "__main__":
    main()
