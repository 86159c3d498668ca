"""The tables of docs/study.md, made anew from the store: between the lines that mark them.

python studies/report.py STORE [--document docs/study.md] [--table table_3_final.csv]
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from recmeta.experiments.store import Store

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "study.md"
TABLE = HERE.parents[1] / "shared" / "reczilla" / "table_3_final.csv"
SPLITS = ("random_holdout", "global_time")


def printed(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
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
    parser.add_argument("--table", type=Path, default=TABLE, help="RecZilla's table 3, as csv")
    options = parser.parse_args()
    if not options.store.is_file():
        parser.error(f"there is no store {options.store}; recmeta store import makes one")
    text = options.document.read_text(encoding="utf-8")
    text = put(text, "counts", counts(options.store))
    for split in SPLITS:
        text = put(text, split, leaderboard(options.store, split))
    if options.table.is_file():
        compare = [str(HERE / "compare_with_reczilla.py"), str(options.store)]
        text = put(text, "reczilla", printed(*compare, "--table", str(options.table)))
    else:
        print(f"no {options.table}: the comparison with RecZilla stays as it is; --table names it")
    options.document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
