"""What thirteen zero-cost proxies tell on NAS-Bench-201: correlation, entropy, bias.

    python benchmarks/proxies.py TABLES [--task cifar10]

Three tables: each proxy alone; the order in which proxies add most (bits above what permuted labels
give, 10 bins); and what dividing by (cell size + C) does, C chosen on one half of the cells and
reported on the other, beside the residual of a straight line.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau, spearmanr

from recmeta.architectures.nas_bench_201 import NasBench201
from recmeta.experiments.nas_prediction import arch_of
from recmeta.experiments.nas_tables import nas_bench_201
from recmeta.predictors.proxy_bias import bias, remove_bias, residual
from recmeta.predictors.proxy_entropy import complementary_order, conditional_entropy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tables", type=Path)
    parser.add_argument("--task", default="cifar10")
    options = parser.parse_args()
    problem = nas_bench_201(options.tables).problem(options.task)
    y = problem.metrics["validation:accuracy"]
    proxies = {
        name.removeprefix("proxy:"): values
        for name, values in problem.metrics.items()
        if name.startswith("proxy:")
    }
    with_one = np.any([np.isfinite(values) for values in proxies.values()], axis=0)
    y = y[with_one]
    proxies = {name: values[with_one] for name, values in proxies.items()}
    alone(y, proxies)
    together(y, proxies)
    space = NasBench201()
    archs = [arch_of(run[1]) for run, kept in zip(problem.runs, with_one, strict=True) if kept]
    unbiased(y, proxies, np.array([sum(op != space.zero for op in arch) for arch in archs]))


def alone(y: np.ndarray, proxies: dict[str, np.ndarray]) -> None:
    print("| proxy | Spearman | Kendall | H(y given it), bits | told above chance |")
    print("|---|---|---|---|---|")
    rows = []
    for name, values in proxies.items():
        known = np.isfinite(values)
        rank = spearmanr(values[known], y[known]).statistic
        pairs = kendalltau(values[known], y[known]).statistic
        entropy = conditional_entropy(y, {name: values})
        rows.append((rank, name, pairs, entropy.entropy, entropy.told))
    for rank, name, pairs, left, told in sorted(rows, reverse=True):
        print(f"| {name} | {rank:.3f} | {pairs:.3f} | {left:.2f} | {told:.2f} |")


def together(y: np.ndarray, proxies: dict[str, np.ndarray]) -> None:
    print("\n| proxies | H(y given them) | by chance | told | cells |\n|---|---|---|---|---|")
    for one in complementary_order(y, proxies, n_permutations=5):
        bits = " | ".join(f"{bit:.2f}" for bit in (one.entropy, one.by_chance, one.told))
        print(f"| {', '.join(one.names)} | {bits} | {one.cells:,} |")


def unbiased(y: np.ndarray, proxies: dict[str, np.ndarray], size: np.ndarray) -> None:
    print(
        "\n| proxy | strategy | bias to cell size, before and after | Spearman, before and after |"
    )
    print("|---|---|---|---|")
    b = size.astype(float)
    for name in ("l2_norm", "synflow", "nwot", "jacov"):
        f = proxies[name]
        for strategy in ("minimise", "equalise", "performance"):
            found = remove_bias(f, b, y, strategy=strategy)
            print(
                f"| {name} | {strategy} | {found.bias_before:.2f}, {found.bias:.2f} "
                f"| {found.performance_before:.3f}, {found.performance:.3f} |"
            )
        left = residual(f, b)
        known = np.isfinite(left)
        rank = spearmanr(left[known], y[known]).statistic
        before = spearmanr(f[known], y[known]).statistic
        print(
            f"| {name} | residual | {bias(f, b):.2f}, {bias(left, b):.2f} "
            f"| {before:.3f}, {rank:.3f} |"
        )


if __name__ == "__main__":
    main()
