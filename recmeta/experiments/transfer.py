"""Stores on the move: to Parquet and back, several into one, and whether one is sound."""

from recmeta.experiments.store_check import check
from recmeta.experiments.store_export import Keep, export
from recmeta.experiments.store_import import import_, merge

__all__ = ["Keep", "check", "export", "import_", "merge"]
