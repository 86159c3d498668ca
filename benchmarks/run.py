"""``make bench``: every benchmark, one after the other; each prints a table with its peers.

    python benchmarks/run.py [--only algorithms,costs] [--out docs/benchmarks.md]

With --out the tables are written, too, under the machine, the versions and the date.
"""

import argparse
import datetime
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = (
    "evaluation.py", "topk.py", "reading.py", "startup.py", "costs.py", "memory.py",
    "first_call.py", "algorithms.py", "algorithms.py --shape 10m --repeats 1", "quality.py",
    "quality_ratings.py", "quality_tuned.py",
)  # fmt: skip
LIBRARIES = (
    "numpy", "scipy", "numba", "pandas", "pyarrow", "scikit-learn", "implicit", "irspack", "cornac",
    "scikit-surprise", "sparse-dot-topn", "ranx", "torch",
)  # fmt: skip


def output_of(script: str) -> tuple[str, int]:
    """What a benchmark says of itself, and what it prints; printed here as it comes."""
    name, *arguments = script.split()
    text = (HERE / name).read_text(encoding="utf-8").split('"""')[1].strip()
    print(f"\n## {script}\n\n{text}\n", flush=True)
    lines = [f"\n## {script}\n", text, ""]
    with subprocess.Popen(
        [sys.executable, str(HERE / name), *arguments], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    return "\n".join(lines), running.returncode


def header() -> str:
    model = platform.processor() or "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0].partition(":")[2].strip() if names else model
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    return (
        "# Benchmarks\n\n`make bench` on a quiet machine, "
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}: {model}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {versions}. Ratios are what to quote: machines are "
        "shared.\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names of scripts, separated by commas")
    parser.add_argument("--out", type=Path, help="the file to write")
    options = parser.parse_args()
    only = {name for name in options.only.split(",") if name}
    failed, parts = 0, [header()]
    for script in SCRIPTS:
        if not only or script.split()[0].removesuffix(".py") in only:
            text, code = output_of(script)
            parts.append(text)
            failed |= code
    if options.out is not None:
        options.out.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
