"""Data in: readers, checks, splits, samples, synthetic logs and the known data sets."""

from recmeta.datasets.readers import read

__all__ = ["read"]
