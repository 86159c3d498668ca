"""Attempt: one configuration that was tried, as every part of the race sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """One configuration that was tried: its score on validation, or why it has none."""

    algorithm: str
    params: Mapping[str, Any]
    status: str
    score: float
    seconds: float
    peak_bytes: float
    error: str = ""
