"""All 21 formulas, written out for one user after the other, against the one-pass kernel."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from recmeta.metrics import CUTOFFS, METRICS, PER_USER, Accumulator, accuracy


def of_user(shown, held_out, k, counts):
    """The metrics of one user: ``shown`` is his list at cutoff k, ``held_out`` is not empty."""
    hits = [item in held_out for item in shown]
    h, n = sum(hits), len(held_out)
    p, r = h / k, h / n
    ideal = sum(1 / math.log2(i + 1) for i in range(1, min(k, n) + 1))
    shares = [max(counts[item], 1) / max(sum(counts), 1) for item in shown]
    fame = [counts[item] / max(max(counts), 1) for item in shown]
    return {
        "precision": p,
        "recall": r,
        "precision_recall_min_den": h / min(k, n),
        "f1": 2 * p * r / (p + r) if h else 0.0,
        "hit_rate": float(h > 0),
        "ndcg": sum(1 / math.log2(i + 1) for i, hit in enumerate(hits, 1) if hit) / ideal,
        "map": sum(sum(hits[:i]) / i for i, hit in enumerate(hits, 1) if hit) / min(k, n),
        "mrr": 1 / (1 + hits.index(True)) if h else 0.0,
        "arhr": sum(1 / i for i, hit in enumerate(hits, 1) if hit),
        "novelty": sum(-math.log2(share) for share in shares) / len(shown) if shown else math.nan,
        "average_popularity": sum(fame) / len(shown) if shown else math.nan,
    }


def of_system(lists, held_out, k, n_items, n_rows):
    """The metrics of all lists together: of users who hold something out."""
    n = len(lists)
    exposure = [sum(item in shown for shown in lists) for item in range(n_items)]
    total = sum(exposure)
    shares = [c / total for c in sorted(exposure)] if total else []
    overlaps = [len(set(a) & set(b)) for a, b in combinations(lists, 2)]
    hit = {
        item for shown, out in zip(lists, held_out, strict=True) for item in shown if item in out
    }
    ranked = [(n_items + 1 - rank) * share for rank, share in enumerate(shares, 1)]
    return {
        "diversity_mean_inter_list": (
            1 - sum(overlaps) / len(overlaps) / k if overlaps else math.nan
        ),
        "diversity_herfindahl": 1 - sum(p**2 for p in shares) if total else math.nan,
        "diversity_gini": 2 * sum(ranked) / (n_items + 1) if total else math.nan,
        "shannon_entropy": -sum(p * math.log2(p) for p in shares if p) if total else math.nan,
        "coverage_item": sum(c > 0 for c in exposure) / n_items,
        "coverage_item_hit": len(hit) / n_items,
        "coverage_user": sum(len(shown) == k for shown in lists) / n if n else math.nan,
        "coverage_user_hit": (
            sum(bool(set(s) & set(out)) for s, out in zip(lists, held_out, strict=True)) / n
            if n else math.nan
        ),
        "items_in_gt": len(set().union(*held_out)) / n_items,
        "users_in_gt": n / n_rows,
    }  # fmt: skip


def brute_force(ranking, relevant, counts):
    """``"ndcg@10"`` and the like to value, at all cutoffs."""
    held = [set(np.flatnonzero(row)) for row in relevant]
    rows = [row for row, out in enumerate(held) if out]
    found = {}
    for k in CUTOFFS:
        lists = [[int(i) for i in ranking[row, :k] if i >= 0] for row in rows]
        outs = [held[row] for row in rows]
        users = [of_user(s, out, k, list(counts)) for s, out in zip(lists, outs, strict=True)]
        for name in PER_USER:
            values = [user[name] for user in users if not math.isnan(user[name])]
            found[f"{name}@{k}"] = sum(values) / len(values) if values else math.nan
        system = of_system(lists, outs, k, relevant.shape[1], len(relevant))
        found |= {f"{name}@{k}": value for name, value in system.items()}
    return found


@st.composite
def cases(draw):
    """Lists of any length up to k_max, also of none; some users hold nothing out."""
    n_items = draw(st.integers(1, 70))
    n_rows, k_max = draw(st.integers(1, 8)), draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    density = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    ranking = np.full((n_rows, k_max), -1, dtype=np.int32)
    for row in range(n_rows):
        longest = min(k_max, n_items)
        length = longest if rng.random() < 0.5 else rng.integers(0, longest + 1)
        ranking[row, :length] = rng.permutation(n_items)[:length]
    relevant = (rng.random((n_rows, n_items)) < density).astype(np.float32)
    relevant[rng.random(n_rows) < 0.2] = 0
    counts = rng.integers(0, 20, n_items) * rng.integers(0, 2, n_items)
    return ranking, relevant, counts


def accumulated(ranking, relevant, counts, cuts=()):
    accumulator = Accumulator(relevant.shape[1], counts)
    for block in np.split(np.arange(len(ranking)), cuts):
        accumulator.add(ranking[block], csr_array(relevant[block]))
    return accumulator.result()


def assert_same(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True), name


@settings(max_examples=60, deadline=None, derandomize=True)
@given(cases())
def test_all_315_numbers_are_those_of_the_written_out_formulas(case):
    expected = brute_force(*case)
    assert len(expected) == len(METRICS) * len(CUTOFFS) == 315
    assert_same(accumulated(*case), expected)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(cases(), st.data())
def test_blocks_do_not_matter(case, data):
    cut = data.draw(st.integers(0, len(case[0])))
    assert_same(accumulated(*case, cuts=[cut]), accumulated(*case))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(cases())
def test_the_public_functions_and_the_kernel_agree_on_every_user(case):
    ranking, relevant, counts = case
    accumulator = Accumulator(relevant.shape[1], counts)
    values = accumulator.add(ranking, csr_array(relevant), per_user=True)
    for function in accuracy.ACCURACY:
        for column, k in enumerate(CUTOFFS):
            vector = function(ranking, csr_array(relevant), k)
            of_kernel = values[:, PER_USER.index(function.__name__), column]
            np.testing.assert_array_equal(vector, of_kernel)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(cases())
def test_the_values_of_users_are_those_of_the_written_out_formulas(case):
    ranking, relevant, counts = case
    values = Accumulator(len(counts), counts).add(ranking, csr_array(relevant), per_user=True)
    for row, held_out in enumerate(relevant):
        out = set(np.flatnonzero(held_out))
        if not out:
            assert np.isnan(values[row]).all()
            continue
        for column, k in enumerate(CUTOFFS):
            shown = [int(i) for i in ranking[row, :k] if i >= 0]
            expected = of_user(shown, out, k, list(counts))
            wanted = [expected[name] for name in PER_USER]
            assert values[row, :, column] == pytest.approx(wanted, nan_ok=True)
