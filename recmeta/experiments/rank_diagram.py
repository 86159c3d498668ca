"""The critical-difference diagram: mean ranks on a line (Demšar 2006).

Lengths are in inches, 0 at the line of the ranks and negative below it. matplotlib is imported in
the function, as in ``plots``.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from recmeta.experiments.leaderboard import Leaderboard
from recmeta.experiments.over_datasets import OverDatasets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FONT = 9  # points
LINE = 0.2  # inches from a label to the next
CHARACTER = 0.078  # inches, of FONT
WIDTH = 5.0  # of the line
BY = {"nemenyi": "Nemenyi", "wilcoxon": "Wilcoxon, Holm"}


def critical_difference_diagram(board: Leaderboard, tests: str = "nemenyi") -> "Figure":
    """Mean ranks on a line; a bar joins a group of which no two are told apart.

    Parameters
    ----------
    board : Leaderboard
        Over data sets, with tests.
    tests : str
        Whose groups: ``"nemenyi"``, with its critical difference as a ruler, or ``"wilcoxon"``.
    """
    over = over_of(board)
    if over.critical_difference is None or over.alpha is None:
        raise ValueError(
            "a critical-difference diagram needs tests over 2 problems and 2 algorithms or more: "
            f"got {len(over.ranks)} and {over.ranks.shape[1]}"
            + (", without tests" if over.alpha is None else "")
        )
    means = over.ranks.mean()
    bars = _levels([run for run in over.runs[tests] if run[0] < run[1]], means.to_numpy())
    first_line = 0.25 + 0.12 * (1 + max((level for *_, level in bars), default=-1))
    pad = 0.02 * (means.max() - means.min() + 1e-9)
    low, high = means.min() - pad, means.max() + pad
    high = max(high, low + over.critical_difference * 1.02)  # the ruler must fit on the line
    figure, axes = _canvas(means, (low, high), first_line)
    _bars(axes, bars, means, reach=0.004 * (high - low))
    _labels(axes, means, (low, high), first_line)
    if tests == "nemenyi":
        _ruler(axes, low, over.critical_difference)
    axes.set_title(
        f"Mean rank by {board.metric}, {problems_of(over)}\n"
        f"A bar joins those who are not told apart ({BY[tests]}, level {over.alpha:g})",
        fontsize=FONT + 1, pad=66 if tests == "nemenyi" else 36,
    )  # fmt: skip
    return figure


def over_of(board: Leaderboard) -> OverDatasets:
    if board.over is None:
        raise ValueError("this picture is over data sets; of one data set there is: intervals")
    return board.over


def problems_of(over: OverDatasets) -> str:
    n_problems = len(over.scores)
    return f"{n_problems} problem" if n_problems == 1 else f"{n_problems} problems"


def _canvas(
    means: "pd.Series[float]", ends: tuple[float, float], first_line: float
) -> tuple["Figure", "Axes"]:
    """A picture with room for the labels on both sides and under the line."""
    from matplotlib.figure import Figure

    depth = first_line + LINE * ((len(means) + 1) // 2)
    margin = CHARACTER * (max(len(str(name)) for name in means.index) + 7)
    figure = Figure(figsize=(WIDTH + 2 * margin, depth + 1.2))
    size = figure.get_size_inches()
    axes = figure.add_axes((margin / size[0], 0.02, WIDTH / size[0], depth / size[1]))
    axes.set(xlim=ends, ylim=(-depth, 0))
    _rank_axis(axes)
    return figure, axes


def _bars(
    axes: "Axes", bars: list[tuple[int, int, int]], means: "pd.Series[float]", reach: float
) -> None:
    for first, last, level in bars:
        y, ends = -0.18 - 0.12 * level, means.iloc[[first, last]].to_numpy()
        axes.plot([ends[0] - reach, ends[1] + reach], [y, y], "k", lw=3.5, solid_capstyle="butt")


def _labels(
    axes: "Axes", means: "pd.Series[float]", ends: tuple[float, float], first_line: float
) -> None:
    """The better half on the left, from the top down; the others on the right, from the bottom."""
    half = (len(means) + 1) // 2
    for place, (name, rank) in enumerate(means.items()):
        left = place < half
        y = -first_line - LINE * (place if left else len(means) - 1 - place)
        edge = ends[0] if left else ends[1]
        axes.plot([rank, rank, edge], [0, y, y], color="#555555", lw=0.7)
        off = (-4, 0) if left else (4, 0)
        text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        axes.annotate(
            text, (edge, y), off, textcoords="offset points", fontsize=FONT, va="center",
            ha="right" if left else "left", annotation_clip=False,
        )  # fmt: skip


def _levels(runs: list[tuple[int, int]], means: np.ndarray) -> list[tuple[int, int, int]]:
    """first, last and level of each bar: the first level on which it touches no other."""
    ends: list[float] = []  # of each level
    placed = []
    gap = 0.02 * (means[-1] - means[0])
    for first, last in runs:
        free = [level for level, end in enumerate(ends) if end + gap < means[first]]
        level = free[0] if free else len(ends)
        ends[level : level + 1] = [means[last]]
        placed.append((first, last, level))
    return placed


def _rank_axis(axes: "Axes") -> None:
    axes.xaxis.tick_top()
    axes.tick_params(labelsize=FONT)
    axes.set_xlabel("mean rank (1 is the best)", fontsize=FONT)
    axes.xaxis.set_label_position("top")
    axes.set_yticks([])
    for side in ("left", "right", "bottom"):
        axes.spines[side].set_visible(False)


def _ruler(axes: "Axes", start: float, length: float) -> None:
    """How long the critical difference is, over the axis."""
    y = 0.56  # inches over the line
    for x in (start, start + length):
        axes.plot([x, x], [y - 0.05, y + 0.05], "k", lw=1, clip_on=False)
    axes.plot([start, start + length], [y, y], "k", lw=1, clip_on=False)
    axes.text(
        start + length / 2, y + 0.07, f"critical difference {length:.2f}", fontsize=FONT,
        ha="center", va="bottom",
    )  # fmt: skip
