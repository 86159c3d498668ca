"""Writes shop.csv, the log of `make demo`: synthetic, so that it is free to share.

.venv/bin/python examples/make_shop.py
"""

from pathlib import Path

import pandas as pd

from recmeta.datasets.synthetic import generate

OUT = Path(__file__).parent / "shop.csv"


def main() -> None:
    log = generate(1_200, 400, 26_000, seed=7)
    times = pd.to_datetime(log.timestamps, unit="s").strftime("%Y-%m-%d %H:%M")
    table = pd.DataFrame(
        {
            "customer": log.users[log.user_rows],
            "product": log.items[log.item_columns],
            "date": times,
        }
    )
    table.to_csv(OUT, index=False)
    print(f"{OUT.name}: {len(table):,} events, {log.n_users:,} users, {log.n_items:,} items")


if __name__ == "__main__":
    main()
