"""What starting costs: ``import recmeta`` and ``recmeta --help``, medians of 7."""

import statistics
import subprocess
import sys
import time


def seconds(command: list[str]) -> float:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    once()  # bytecode and the page cache
    return statistics.median(once() for _ in range(7))


def main() -> None:
    print("| what | seconds |\n|---|---|")
    for name, code in (
        ("python -c pass", "pass"),
        ("import recmeta", "import recmeta"),
        (
            "recmeta --help",
            "import sys; sys.argv = ['recmeta', '--help']; from recmeta.cli import main; main()",
        ),
    ):
        print(f"| {name} | {seconds([sys.executable, '-c', code]):.3f} |")


if __name__ == "__main__":
    main()
