"""Pictures of a leaderboard, as SVG, PNG or PDF; the same numbers give the same file.

====================  ===========================================================================
kind                  what it shows
====================  ===========================================================================
cd                    mean ranks on a line, joined where they are not told apart (Demšar 2006)
profile               share of problems on which the best score is at most t times the algorithm's
                      (Dolan, Moré. Benchmarking optimization software with performance profiles.
                      Mathematical Programming 91, 2002)
heat                  share of the best score, a row a problem and a column an algorithm
intervals             means on one data set with their bootstrap intervals
====================  ===========================================================================

matplotlib is imported in the functions, since its import takes as long as many a leaderboard.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from recmeta.experiments.leaderboard import Leaderboard
from recmeta.experiments.over_datasets import OverDatasets
from recmeta.experiments.rank_diagram import (
    FONT,
    LINE,
    critical_difference_diagram,
    over_of,
    problems_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any colour vision tell apart
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8B4513")
GREY = "#BBBBBB"
WIDE = 0.56  # of a character, in font sizes: what titles have on average, and some more
FAR = 4.0  # the largest t of a profile
# what would make two files of one picture differ
METADATA = {".svg": {"Date": None}, ".png": {"Software": None}, ".pdf": {"CreationDate": None}}


def write_plot(board: Leaderboard, path: Path | str, kind: str = "") -> None:
    """Draw a leaderboard into a file.

    Parameters
    ----------
    board : Leaderboard
    path : path
        Its suffix says the format: .svg, .png or .pdf.
    kind : str
        A name in ``PLOTS``; default: cd over data sets, intervals for one.

    Raises
    ------
    ValueError
        If the suffix or the kind is unknown, or the board has not what the kind shows.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in METADATA:
        raise ValueError(f"a plot is a file in {', '.join(METADATA)}: got {str(path)!r}")
    kind = kind or ("intervals" if board.over is None else "cd")
    if kind not in PLOTS:
        raise ValueError(f"kind is one of {', '.join(PLOTS)}, not {kind!r}")
    from matplotlib import rc_context

    figure = PLOTS[kind](board)
    with rc_context({"svg.hashsalt": "recmeta"}):
        figure.savefig(path, dpi=150, bbox_inches="tight", metadata=METADATA[suffix])


def performance_profile(board: Leaderboard, n_named: int = 8) -> "Figure":
    """Share of problems on which an algorithm comes within a factor t of the best.

    Parameters
    ----------
    board : Leaderboard
        Over data sets.
    n_named : int
        The first of the board, in colours; the others are grey.
    """
    from matplotlib.figure import Figure

    over = over_of(board)
    _check_shares(over)
    with np.errstate(divide="ignore"):
        ratios = 1 / over.shares.to_numpy()  # inf where no run was ok
    finite = ratios[np.isfinite(ratios)]
    limit = min(FAR, max(1.1, float(finite.max(initial=1.1)) * 1.02))
    figure = Figure(figsize=(7.5, 4.5))
    axes = figure.add_subplot()
    _steps(axes, ratios, [*map(str, over.shares.columns)], limit, min(n_named, len(COLOURS)))
    axes.set_xscale("log", base=2)
    axes.set(xlim=(0.99, limit), ylim=(0, 1.02))  # a line that rises at once is seen
    ticks = [tick for tick in (1, 1.25, 1.5, 2, 2.5, 3, 4) if tick <= limit]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("t: the best score is at most t times that of the algorithm")
    axes.set_ylabel("share of problems")
    axes.grid(color="#EEEEEE")
    axes.set_title(f"Performance profile by {board.metric}, {problems_of(over)}", fontsize=FONT + 2)
    return figure


def _steps(
    axes: "Axes", ratios: np.ndarray, names: Sequence[str], limit: float, n_named: int
) -> None:
    """A line a column of the ratios, and the legend of the first ones."""
    for place in reversed(range(len(names))):  # the first of the board lies on top
        named = place < n_named
        t = np.sort(ratios[:, place])
        t = t[t <= limit]
        share = np.arange(1, len(t) + 1) / len(ratios)
        axes.step(
            [1, *t, limit], [0, *share, share[-1] if len(share) else 0], where="post",
            color=COLOURS[place] if named else GREY, lw=1.8 if named else 0.8,
            linestyle=("-", "--")[place % 2] if named else "-",
            label=names[place] if named else None,
        )  # fmt: skip
    handles, labels = axes.get_legend_handles_labels()
    handles, labels = handles[::-1], labels[::-1]
    if others := max(len(names) - n_named, 0):
        handles += axes.plot([], [], color=GREY, lw=0.8)
        labels.append(f"{others} others")
    axes.legend(
        handles, labels, loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=FONT, frameon=False
    )


def heat_map(board: Leaderboard) -> "Figure":
    """Share of the best score: a row a problem, a column an algorithm, the best mean rank first."""
    from matplotlib.figure import Figure

    over = over_of(board)
    _check_shares(over)
    shares, failed = over.shares, over.scores.isna().loc[over.shares.index]
    index = shares.index.to_frame()
    names = index["dataset"].astype(str)
    if index["split"].nunique() > 1:
        names = names + " " + index["split"].astype(str)
    n_rows, n_columns = shares.shape
    figure = Figure(figsize=(max(5.0, 1.5 + 0.24 * n_columns), max(2.8, 1.2 + 0.2 * n_rows)))
    axes = figure.add_subplot()
    cells = np.where(failed, np.nan, shares)
    image = axes.imshow(cells, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    axes.set_facecolor("#DDDDDD")
    rows, columns = np.nonzero(failed.to_numpy())
    axes.scatter(columns, rows, marker="x", color="#777777", s=14, linewidths=0.8)
    axes.set_xticks(range(n_columns), shares.columns, rotation=90, fontsize=FONT)
    axes.set_yticks(range(n_rows), names, fontsize=FONT)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label("share of the best", fontsize=FONT)
    crosses = "; x: no run was ok" if len(rows) else ""
    _title_above(axes, f"Share of the best {board.metric}", problems_of(over) + crosses)
    return figure


def _title_above(axes: "Axes", *lines: str) -> None:
    """A title whose lines are broken where they would come above what stands beside the axes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    width = axes.get_position().width * figure.get_size_inches()[0] * 72  # points
    n_characters = int(width / (WIDE * (FONT + 2)))
    text = "\n".join(fill(line, n_characters, break_long_words=False) for line in lines)
    axes.set_title(text, fontsize=FONT + 2, loc="left")


def interval_plot(board: Leaderboard) -> "Figure":
    """Means on one data set and their intervals.

    The best and who is not told apart from it are blue, who is told apart is grey; who has no
    scores of each user was not tested: a hollow point without an interval.
    """
    from matplotlib.figure import Figure

    table = board.table
    if board.over is not None or "low" not in table:
        raise ValueError(_why_no_intervals(board))
    figure = Figure(figsize=(6.5, 1.1 + LINE * len(table)))
    axes = figure.add_subplot()
    tested, told = table["low"].notna(), table["apart"].eq(True)
    groups = {
        "not told apart from the best": (tested & ~told, COLOURS[0], COLOURS[0]),
        "told apart": (tested & told, "#888888", "#888888"),
        "not tested": (~tested, COLOURS[1], "none"),
    }
    for label, (chosen, colour, face) in groups.items():
        if not chosen.any():
            continue
        y, rows = np.flatnonzero(chosen), table[chosen]
        ends = np.abs(rows[["low", "high"]].sub(rows["score"], axis=0).to_numpy()).T
        axes.errorbar(
            rows["score"], y, xerr=ends, fmt="o", ms=4, lw=1.2, c=colour, mfc=face, label=label
        )
    axes.set_yticks(range(len(table)), table["algorithm"], fontsize=FONT)
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.grid(axis="x", color="#EEEEEE")
    level = f"{100 * (1 - (board.alpha or 0)):g} % interval"
    axes.set_xlabel(f"{board.metric} on test: mean over users, {level}", fontsize=FONT)
    axes.legend(fontsize=FONT, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    axes.set_title(f"{board.metric} on {', '.join(board.datasets)}", fontsize=FONT + 2)
    return figure


def _why_no_intervals(board: Leaderboard) -> str:
    if board.over is not None:
        return "intervals are of one data set: choose one"
    if board.alpha is None:
        return "intervals come with the tests, and there were none"
    return (
        f"there is no {board.metric} of each user in the store, so there are no intervals to draw: "
        f"sweep with --keep-users {board.metric} (and --retry-missing for runs that are there)"
    )


def _check_shares(over: OverDatasets) -> None:
    if over.shares.empty:
        raise ValueError("there is no problem on which an algorithm has a score above 0")


PLOTS: dict[str, Callable[[Leaderboard], "Figure"]] = {
    "cd": critical_difference_diagram,
    "wilcoxon": lambda board: critical_difference_diagram(board, "wilcoxon"),
    "profile": performance_profile,
    "heat": heat_map,
    "intervals": interval_plot,
}
