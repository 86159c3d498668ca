"""Writes shop.csv, the log of `make demo`: synthetic, so that it is free to share.

python examples/make_shop.py [--out FILE]
"""

import argparse
from pathlib import Path

import pandas as pd

from recmeta.datasets.synthetic import generate

OUT = Path(__file__).parent / "shop.csv"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=OUT, help="is replaced; default: %(default)s")
    out = parser.parse_args().out
    log = generate(1_200, 400, 26_000, seed=7)
    times = pd.to_datetime(log.timestamps, unit="s").strftime("%Y-%m-%d %H:%M")
    table = pd.DataFrame(
        {
            "customer": log.users[log.user_rows],
            "product": log.items[log.item_columns],
            "date": times,
        }
    )
    table.to_csv(out, index=False)
    print(f"{out}: {len(table):,} events, {log.n_users:,} users, {log.n_items:,} items")


if __name__ == "__main__":
    main()
