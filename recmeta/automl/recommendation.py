"""Recommendation: which algorithms for a log, as a value that prints itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from recmeta.data import Interactions
from recmeta.execution.budget import size_text, time_text
from recmeta.metalearning.performance import FALLBACK
from recmeta.metalearning.selector import Choice

if TYPE_CHECKING:
    import pandas as pd


SAME = 0.02  # distance in standard deviations below which a log is taken for a known one


@dataclass(frozen=True)
class Recommendation:
    """The ranked algorithms for one log.

    Attributes
    ----------
    data : Interactions
    metric : str
        Such as ``"ndcg@10"``.
    choices : tuple of Choice
        Advised configurations, the best first. The order in which to try them is that of ``turn``:
        the best, then what helps most if those before disappoint.
    not_advised : tuple of Choice
        The best configuration of each algorithm left out, with its ``reason``.
    nearest : tuple of (str, float)
        The known data sets most like this one, with their distance in standardised features.
    n_known, n_configurations : int
        What the prediction was learned from: data sets, and configurations on most of them.
    split, split_reason : str
        How the log is split, and why.
    seconds : dict of str to float
        What it took.
    """

    data: Interactions
    metric: str
    choices: tuple[Choice, ...]
    not_advised: tuple[Choice, ...]
    nearest: tuple[tuple[str, float], ...]
    n_known: int
    n_configurations: int
    split: str
    split_reason: str
    seconds: Mapping[str, float]

    @property
    def best(self) -> Choice:
        if not self.choices:
            reasons = "; ".join(self.not_advised_lines())
            raise ValueError(f"no configuration is advised within these limits: {reasons}")
        return self.choices[0]

    @property
    def algorithms(self) -> tuple[Choice, ...]:
        """The best advised configuration of each algorithm, the best algorithm first."""
        first: dict[str, Choice] = {}
        for choice in self.choices:
            first.setdefault(choice.algorithm, choice)
        return tuple(first.values())

    def to_frame(self) -> "pd.DataFrame":
        """A row a choice, the best first; those not advised come last."""
        import pandas as pd  # only here: printing a recommendation needs no pandas

        return pd.DataFrame([_row(choice) for choice in (*self.choices, *self.not_advised)])

    def to_dict(self) -> dict[str, Any]:
        """What ``recmeta recommend --json`` prints."""
        return {
            "metric": self.metric,
            "split": {"name": self.split, "reason": self.split_reason},
            "data": {
                "name": self.data.name,
                "events": self.data.n_events,
                "users": self.data.n_users,
                "items": self.data.n_items,
                "columns": self.data.columns,
                "feedback": self.data.feedback,
                "threshold": self.data.threshold,
                "notices": list(self.data.notices),
            },
            "known": {"datasets": self.n_known, "configurations": self.n_configurations},
            "remarks": self.remarks(),
            "nearest": [{"name": name, "distance": far} for name, far in self.nearest],
            "choices": [_row(choice) for choice in self.choices],
            "not_advised": [_row(choice) for choice in self.not_advised],
            "seconds": dict(self.seconds),
        }

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Header and rows of the table that people see: an algorithm a row."""
        header: tuple[str, ...] = (
            "#",
            "algorithm",
            f"{self.metric} (80% interval)",
            "beats popularity",
            "fit time",
            "memory",
            "configuration",
        )
        rows: list[tuple[str, ...]] = [
            (
                str(rank),
                choice.algorithm,
                f"{choice.score:.3f} ({choice.low:.3f}-{choice.high:.3f})",
                "-" if choice.algorithm == FALLBACK else f"{choice.p_beats_popularity:.0%}",
                time_text(choice.fit_seconds),
                size_text(choice.fit_bytes),
                params_text(choice.params),
            )
            for rank, choice in enumerate(self.algorithms, start=1)
        ]
        return header, rows

    def __str__(self) -> str:
        header, rows = self.table()
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        lines = [self.headline(), *self.remarks()]
        lines += [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            for row in (header, *rows)
        ]
        lines += [f"  not advised: {line}" for line in self.not_advised_lines()]
        return "\n".join(line.rstrip() for line in lines)

    def headline(self) -> str:
        names = ", ".join(name for name, _ in self.nearest)
        return (
            f"Prediction for {self.metric}, {self.split} split, from {self.n_known} data sets x "
            f"{self.n_configurations} configurations (nearest: {names})"
        )

    def remarks(self) -> list[str]:
        """What to know before believing it."""
        if self.nearest and self.nearest[0][1] < SAME:
            name = self.nearest[0][0]
            return [f"This log is like {name}, from which was learned: no forecast, a memory"]
        return []

    def not_advised_lines(self) -> list[str]:
        return [f"{choice.algorithm}: {choice.reason}" for choice in self.not_advised]


def params_text(params: Mapping[str, Any]) -> str:
    """``l2=412 n_factors=64``: only what differs from nothing said, numbers short."""
    return " ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in params.items()
        if name != "random_state"
    )


def _row(choice: Choice) -> dict[str, Any]:
    return {
        "algorithm": choice.algorithm,
        "params": dict(choice.params),
        "turn": choice.turn,
        "relative": choice.relative,
        "score": choice.score,
        "low": choice.low,
        "high": choice.high,
        "p_beats_popularity": choice.p_beats_popularity,
        "fit_seconds": choice.fit_seconds,
        "fit_bytes": choice.fit_bytes,
        "p_fail": choice.p_fail,
        "advised": choice.advised,
        "reason": choice.reason,
    }
