"""Entropy and bias of proxies: known distributions, loops, and the figures of NAS-Bench-201."""

from itertools import product
from math import log2
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recmeta.predictors.proxy_bias import bias, remove_bias, residual
from recmeta.predictors.proxy_entropy import Entropy, complementary_order, conditional_entropy

NAS = Path(__file__).parents[3] / "shared" / "nas"
needs_tables = pytest.mark.skipif(not NAS.is_dir(), reason="the NAS tables are not here")


def test_conditional_entropy_equals_a_sum_over_cells() -> None:
    rng = np.random.default_rng(0)
    y, a, b = rng.integers(0, 3, (3, 500)).astype(float)
    y = np.where(rng.random(500) < 0.7, a, y)
    found = conditional_entropy(y, {"a": a, "b": b}, n_bins=100)
    expected = 0.0
    for left, right in product(range(3), range(3)):
        rows = y[(a == left) & (b == right)]
        shares = [np.mean(rows == one) for one in range(3)]
        expected -= len(rows) / 500 * sum(share * log2(share) for share in shares if share > 0)
    assert found.entropy == pytest.approx(expected, abs=1e-12)
    assert found.cells == 9


def test_noise_tells_nothing_above_chance_however_fine_the_cells() -> None:
    rng = np.random.default_rng(1)
    y = rng.standard_normal(2000)
    noise = {name: rng.standard_normal(2000) for name in "abcd"}
    found = conditional_entropy(y, noise)
    assert found.entropy < 0.5  # as if four noises told 2.8 of 3.3 bits
    assert abs(found.told) < 0.05
    order = complementary_order(y, noise)
    assert all(one.told < 0.05 for one in order)


def test_the_order_takes_what_adds_and_passes_over_a_copy() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.integers(0, 4, (2, 4000)).astype(float)
    proxies = {"copy": one.copy(), "one": one, "other": other, "noise": rng.random(4000)}
    order = complementary_order(4 * one + other, proxies, n_bins=16)
    assert {order[0].names[-1], order[1].names[-1]} in ({"copy", "other"}, {"one", "other"})
    assert order[-1].entropy == pytest.approx(0.0, abs=1e-12)


def test_rows_with_missing_values_are_left_out() -> None:
    y = np.array([0.0, 1.0, 0.0, 1.0, np.nan, 1.0])
    z = np.array([0.0, 1.0, 0.0, 1.0, 0.0, np.nan])
    assert conditional_entropy(y, {"z": z}, n_bins=2).entropy == 0.0
    with pytest.raises(ValueError, match="at least 2 complete rows are needed: 0 are"):
        conditional_entropy(y, {"z": np.full(6, np.nan)})


def test_all_sets_of_an_order_are_compared_on_the_same_rows() -> None:
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.standard_normal(400), np.zeros(1200)])
    told = y + 0.1 * rng.standard_normal(1600)
    told[400:] = np.nan  # known where y varies alone, so that more is to be told there
    whole = np.where(np.arange(1600) < 400, y, rng.standard_normal(1600))
    order = complementary_order(y, {"some rows": told, "all rows": whole})
    assert order[0].names == ("all rows",)  # it is y where both are known
    known = slice(400)
    same = conditional_entropy(y[known], {"all rows": whole[known]})
    assert order[0] == same
    with pytest.raises(ValueError, match="at least 2 complete rows are needed: 0 are"):
        complementary_order(y, {"a": told, "b": np.where(np.isnan(told), y, np.nan)})


@pytest.mark.parametrize("strategy", ["performance", "equalise"])
def test_a_performance_that_is_constant_chooses_no_offset(strategy: str) -> None:
    rng = np.random.default_rng(2)
    b, f = rng.uniform(1.0, 10.0, (2, 40))
    chooses = np.random.default_rng(0).permutation(40)[:20]
    y = rng.standard_normal(40)
    y[chooses] = 0.5
    found = remove_bias(f, b, y, strategy=strategy)
    assert found.offset == np.inf
    np.testing.assert_array_equal(found.values, f)
    assert found.performance == found.performance_before


def test_minimising_removes_a_multiplied_bias_and_performance_is_on_the_held_out_half() -> None:
    rng = np.random.default_rng(3)
    b = rng.uniform(1, 10, 2000)
    y = rng.standard_normal(2000)
    f = (y + 6) * (b + 2)
    f[7] = np.nan
    found = remove_bias(f, b, y, strategy="minimise")
    assert abs(found.bias_before) > 0.8
    assert abs(found.bias) < 3 / np.sqrt(1000)  # three standard errors on the held-out half
    assert found.offset == pytest.approx(2.0, abs=0.6)
    assert found.performance > 0.99 > 0.5 > found.performance_before
    assert np.isnan(found.values[7])


def test_a_bias_that_makes_networks_better_is_kept_by_performance_and_equalise() -> None:
    rng = np.random.default_rng(4)
    b = rng.uniform(1, 10, 2000)
    y = b + 0.3 * rng.standard_normal(2000)
    f = b + rng.standard_normal(2000)
    minimal = remove_bias(f, b, y, strategy="minimise")
    for strategy in ("performance", "equalise"):
        kept = remove_bias(f, b, y, strategy=strategy)
        assert kept.performance == pytest.approx(kept.performance_before, abs=0.01)
    assert minimal.performance < 0.3


def test_a_residual_has_no_correlation_left() -> None:
    rng = np.random.default_rng(5)
    b = rng.standard_normal(300)
    f = 3 * b + rng.standard_normal(300)
    f[0] = np.nan
    assert bias(residual(f, b), b) == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(residual(f, b)[0])


@needs_tables
def test_figures_of_nas_bench_201() -> None:
    # reference/nas.md D.3: 10 bins, jacov 2.42 bits, then flops 2.00, fisher 1.50 (plug-in);
    # 24 bins and three proxies: 2.61 bits, of which permuted labels give 2.62
    scores = pd.read_csv(NAS / "nb201_zc13_cifar10_9445.csv").replace(-1e8, np.nan)
    accuracy = pd.read_csv(NAS / "nb201_accuracy.csv").set_index("arch")["c10_val_e200"]
    y = accuracy.loc[scores["net_str"]].to_numpy(float)
    names = ("jacov", "nwot", "flops", "fisher")
    proxies = {name: scores[name].to_numpy(float) for name in names}

    def entropy(*chosen: str, **how: int) -> Entropy:
        return conditional_entropy(y, {name: proxies[name] for name in chosen}, **how)

    assert entropy("jacov").entropy == pytest.approx(2.42, abs=0.01)
    assert entropy("jacov", "flops").entropy == pytest.approx(2.00, abs=0.01)
    assert entropy("jacov", "flops", "fisher").entropy == pytest.approx(1.50, abs=0.01)
    assert entropy("jacov", "flops", "fisher").cells == 714
    fine = entropy("jacov", "nwot", "flops", n_bins=24, n_permutations=5)
    assert fine.by_chance == pytest.approx(2.62, abs=0.03)
    assert complementary_order(y, proxies, n_permutations=3)[0].names == ("jacov",)
