"""``make bench``: every benchmark, one after the other; each prints a table with its peers."""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = ("evaluation.py", "topk.py", "reading.py", "startup.py", "costs.py", "algorithms.py")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names of scripts, separated by commas")
    only = {name for name in parser.parse_args().only.split(",") if name}
    failed = 0
    for script in SCRIPTS:
        if only and script.removesuffix(".py") not in only:
            continue
        print(f"\n## {script}\n", flush=True)
        failed |= subprocess.run([sys.executable, str(HERE / script)], check=False).returncode
    return failed


if __name__ == "__main__":
    sys.exit(main())
