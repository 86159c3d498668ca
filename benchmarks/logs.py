"""The logs that the quality scripts run on, and their command line."""

import argparse
from pathlib import Path

from recmeta.data import Interactions
from recmeta.datasets import read
from recmeta.datasets.synthetic import generate

# dense and middling, ratings and not; amazon-grocery as the sparse one: half of its 14,681 users
# have 5 items or fewer, 0.1 % of the pairs are there and there are more users than items, as in
# the logs of game or grocery shops
LOGS = (
    "movielens-100k", "movielens-1m-implicit", "amazon-digital-music", "foursquare-nyc",
    "amazon-grocery",
)  # fmt: skip
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "datasets"


def parser_of(text: str | None, logs: tuple[str, ...] = LOGS) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--logs", default=",".join(logs), help="names, separated by commas")
    parser.add_argument("--only", default="", help="algorithms, separated by commas")
    parser.add_argument(
        "--shared", type=Path, default=BESIDE, help="the folder that has NAME/interactions.parquet"
    )
    return parser


def logs_of(options: argparse.Namespace) -> dict[str, Interactions]:
    """By name; a synthetic one where the folder is not there."""
    if not options.shared.is_dir():
        print("no folder of logs (--shared): a synthetic one in place of real ones\n")
        return {"synthetic": generate(n_users=1000, n_items=800, n_events=30_000, seed=42)}
    return {
        name: read(options.shared / name / "interactions.parquet")
        for name in options.logs.split(",")
    }
