"""Pictures: what is on them, read from their artists; the same numbers are the same file."""

import hashlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmeta.experiments.leaderboard import Leaderboard
from recmeta.experiments.over_datasets import compare_over_datasets
from recmeta.experiments.plots import (
    critical_difference_diagram,
    heat_map,
    interval_plot,
    performance_profile,
    write_plot,
)


def board_of(n_problems, n_algorithms, failed=0.0, alpha=0.05):
    rng = np.random.default_rng(n_algorithms)
    scores = np.linspace(0.6, 0.3, n_algorithms) + rng.normal(0, 0.05, (n_problems, n_algorithms))
    scores[rng.random(scores.shape) < failed] = np.nan
    rows = [(f"data-set-{i}", "random", str(i)) for i in range(n_problems)]
    index = pd.MultiIndex.from_tuples(rows, names=["dataset", "split", "data_key"])
    names = pd.Index([f"Algorithm{i:02d}" for i in range(n_algorithms)], name="algorithm")
    over = compare_over_datasets(pd.DataFrame(scores, index, names), alpha=alpha)
    return Leaderboard("ndcg@10", [row[0] for row in rows], pd.DataFrame(), over=over)


@pytest.fixture
def one():
    table = pd.DataFrame(
        {
            "algorithm": ["A", "B", "C"],
            "score": [0.5, 0.4, 0.1],
            "low": [0.4, 0.3, 0.05],
            "high": [0.6, 0.5, 0.2],
            "apart": [None, False, True],
        }
    )
    return Leaderboard("ndcg@10", ["d"], table, alpha=0.05)


def overlapping(figure):
    """Pairs of texts whose boxes overlap on the picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = []
    for axes in figure.axes:
        low, high = axes.get_xlim()
        # labels of ticks outside of the axis are there, but are not drawn
        ticks = [
            label for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high
        ]
        legend = axes.get_legend()
        texts = [*axes.texts, *ticks, *axes.get_yticklabels(), axes.title]
        texts += [axes.xaxis.label, axes.yaxis.label, *(legend.get_texts() if legend else ())]
        boxes += [
            (text.get_text(), text.get_window_extent(canvas.get_renderer()))
            for text in texts
            if text.get_text() and text.get_visible()
        ]
    return [
        (first, second)
        for i, (first, box) in enumerate(boxes)
        for second, other in boxes[i + 1 :]
        if box.overlaps(other)
    ]


@pytest.mark.parametrize("tests", ["nemenyi", "wilcoxon"])
@pytest.mark.parametrize("n_algorithms", [2, 5, 33])
def test_no_labels_of_a_critical_difference_diagram_overlap(n_algorithms, tests):
    board = board_of(40, n_algorithms)
    figure = critical_difference_diagram(board, tests)
    assert overlapping(figure) == []
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert sum("Algorithm" in text for text in texts) == n_algorithms


@pytest.mark.parametrize("shape", [(3, 2), (12, 33)])
@pytest.mark.parametrize("draw", [performance_profile, heat_map])
def test_no_labels_of_the_other_pictures_overlap(draw, shape):
    assert overlapping(draw(board_of(*shape, failed=0.05))) == []


@pytest.mark.parametrize("shape", [(1, 2), (3, 2), (30, 5), (12, 33)])
@pytest.mark.parametrize("metric", ["ndcg@10", "diversity_mean_inter_list@10"])
def test_the_title_of_a_heat_map_ends_before_the_colour_bar(shape, metric):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = heat_map(replace(board_of(*shape, failed=0.1), metric=metric))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes, bar = figure.axes
    [title] = (text for text in (axes.title, axes._left_title) if text.get_text())
    assert metric in title.get_text()
    assert title.get_window_extent(canvas.get_renderer()).x1 <= bar.get_window_extent().x0
    assert all(line.strip(" ;,") for line in title.get_text().splitlines())


def test_bars_are_the_groups_and_the_ruler_is_as_long_as_the_difference():
    board = board_of(12, 6)
    lines = critical_difference_diagram(board).axes[0].lines
    means = board.over.ranks.mean().to_numpy()
    bars = [line.get_xdata() for line in lines if line.get_linewidth() == 3.5]
    runs = [run for run in board.over.runs["nemenyi"] if run[0] < run[1]]
    assert len(bars) == len(runs) > 1
    for bar, (first, last) in zip(bars, runs, strict=True):
        assert bar == pytest.approx([means[first], means[last]], abs=0.05)
    ruler = [line.get_xdata() for line in lines if line.get_linewidth() == 1][-1]
    assert ruler[1] - ruler[0] == pytest.approx(board.over.critical_difference)


def test_a_profile_is_the_share_of_problems_within_a_factor():
    names = pd.Index(["A", "B"], name="algorithm")
    index = pd.MultiIndex.from_tuples(
        [(name, "random", name) for name in "xyz"], names=["dataset", "split", "data_key"]
    )
    scores = pd.DataFrame([[0.4, 0.2], [0.3, np.nan], [0.2, 0.3]], index, names)
    board = Leaderboard("ndcg@10", ["x"], pd.DataFrame(), over=compare_over_datasets(scores))
    lines = {line.get_label(): line for line in performance_profile(board).axes[0].lines}
    # B: 2 times worse on x, failed on y, the best on z
    t, share = lines["B"].get_data()
    assert t[:-1] == pytest.approx([1, 1, 2])
    assert share == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3])
    t, share = lines["A"].get_data()
    assert t[:-1] == pytest.approx([1, 1, 1, 1.5])
    assert share[-1] == 1


def test_a_heat_map_marks_what_failed_and_has_all_names():
    board = board_of(6, 4, failed=0.3)
    axes = heat_map(board).axes[0]
    n_failed = int(board.over.scores.isna().to_numpy().sum())
    assert len(axes.collections[0].get_offsets()) == n_failed > 0
    assert [text.get_text() for text in axes.get_yticklabels()] == board.datasets
    assert [text.get_text() for text in axes.get_xticklabels()] == list(board.over.ranks.columns)
    assert axes.images[0].get_array().shape == (6, 4)


def test_an_interval_plot_has_a_point_an_algorithm_and_says_who_is_told_apart(one):
    axes = interval_plot(one).axes[0]
    points = [container.lines[0].get_xdata().tolist() for container in axes.containers]
    assert points == [[0.5, 0.4], [0.1]]
    assert "95 % interval" in axes.get_xlabel()


def test_who_was_not_tested_does_not_pass_for_as_good_as_the_best(one):
    one.table.loc[3] = ["D", 0.45, np.nan, np.nan, None]
    axes = interval_plot(one).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["not told apart from the best", "told apart", "not tested"]
    points = [container.lines[0] for container in axes.containers]
    assert [point.get_xdata().tolist() for point in points] == [[0.5, 0.4], [0.1], [0.45]]
    assert points[2].get_markerfacecolor() == "none"
    assert len({point.get_color() for point in points}) == 3


def test_why_there_are_no_intervals_is_said(one):
    table = one.table.drop(columns=["low", "high", "apart"])
    for alpha, said in ((0.05, "sweep with --keep-users ndcg@10"), (None, "there were none")):
        with pytest.raises(ValueError, match=said):
            interval_plot(Leaderboard("ndcg@10", ["d"], table, alpha=alpha))


@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf"])
@pytest.mark.parametrize("kind", ["cd", "profile", "heat"])
def test_the_same_board_is_the_same_file(tmp_path, kind, suffix):
    digests = set()
    for name in ("a", "b"):
        path = tmp_path / f"{name}{suffix}"
        write_plot(board_of(8, 4), path, kind)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("cd", "x.jpg", r"a plot is a file in \.svg, \.png, \.pdf"),
        ("bars", "x.svg", "kind is one of cd, wilcoxon, profile, heat, intervals, not 'bars'"),
        ("intervals", "x.svg", "intervals are of one data set"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path, kind, name, said):
    with pytest.raises(ValueError, match=said):
        write_plot(board_of(4, 3), tmp_path / name, kind)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("draw", [performance_profile, heat_map])
def test_scores_of_nothing_but_zero_cannot_be_drawn(draw):
    names = pd.Index(["A", "B"], name="algorithm")
    over = compare_over_datasets(pd.DataFrame(np.zeros((3, 2)), columns=names))
    with pytest.raises(ValueError, match="no problem on which an algorithm has a score above 0"):
        draw(Leaderboard("ndcg@10", ["x"], pd.DataFrame(), over=over))


def test_a_diagram_needs_tests_and_a_picture_over_data_sets_needs_many(one, tmp_path):
    with pytest.raises(ValueError, match="got 1 and 3"):
        critical_difference_diagram(board_of(1, 3))
    with pytest.raises(ValueError, match="without tests"):
        critical_difference_diagram(board_of(5, 3, alpha=None))
    with pytest.raises(ValueError, match="of one data set there is: intervals"):
        write_plot(one, tmp_path / "x.svg", "heat")
