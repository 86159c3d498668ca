"""The tables of docs/study.md, made anew from the store: between the lines that mark them.

python studies/report.py STORE [--document docs/study.md]
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from recmeta.experiments.store import Store

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "study.md"
SPLITS = ("random_holdout", "global_time")


def printed(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def counts(store: Path) -> str:
    """How much of the plan there is, by split and status."""
    with Store(store, read_only=True) as results:
        runs = results.frame(())
    lines = ["| split | logs | algorithms | configurations | runs | ok | timeout | oom | error |"]
    lines.append("|---" * 9 + "|")
    for split, part in runs.groupby("split"):
        pairs = part[["algorithm", "params"]].drop_duplicates()
        states = [int((part["status"] == one).sum()) for one in ("ok", "timeout", "oom", "error")]
        shown = [part["data_key"].nunique(), pairs["algorithm"].nunique(), len(pairs), len(part)]
        lines.append("| " + " | ".join(str(one) for one in [split, *shown, *states]) + " |")
    return "\n".join(lines)


def leaderboard(store: Path, split: str) -> str:
    command = ["-m", "recmeta", "leaderboard", str(store), "--split", split]
    return printed(*command, "--format", "markdown")


def put(text: str, mark: str, content: str) -> str:
    """``text`` with what is between ``<!-- mark -->`` and ``<!-- /mark -->`` replaced."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    pattern = re.escape(start) + ".*?" + re.escape(end)
    replaced, n = re.subn(pattern, lambda _: f"{start}\n\n{content}\n\n{end}", text, flags=re.S)
    if n != 1:
        raise SystemExit(f"the document must have {start} ... {end} once; it has it {n} times")
    return replaced


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    options = parser.parse_args()
    text = options.document.read_text(encoding="utf-8")
    text = put(text, "counts", counts(options.store))
    for split in SPLITS:
        text = put(text, split, leaderboard(options.store, split))
    beside = printed(str(HERE / "compare_with_reczilla.py"), str(options.store))
    text = put(text, "reczilla", beside)
    options.document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
