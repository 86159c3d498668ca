"""Which peer each algorithm is compared with, and the parameters that make both the same model.

No public implementation was found of AsySVD and SLIMBPR. What predicts ratings (FunkSVD,
CoClustering, SlopeOne, GlobalEffects) is compared in quality_ratings.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from peers import Peer, factors, formulas, neighbours, networks

SEEDS = 3
UNCUT = 100_000


@dataclass(frozen=True)
class Case:
    """``peer`` takes a seed; ``seeds`` is 1 where neither side draws at random."""

    algorithm: str
    params: dict[str, Any]
    peer: Callable[[int], Peer]
    seeds: int = 1


def always(peer: Peer) -> Callable[[int], Peer]:
    return lambda seed: peer


IALS: dict[str, Any] = {
    "n_factors": 64, "l2": 0.015, "exponent": 0.5, "unobserved_weight": 0.1, "n_epochs": 16,
}  # fmt: skip
FLAT = IALS | {"exponent": 0.0}
BPR: dict[str, Any] = {"n_factors": 64, "learning_rate": 0.05, "n_epochs": 50}
# implicit's defaults; an interaction weighs as much as a zero there
LOGISTIC: dict[str, Any] = {"n_factors": 30, "learning_rate": 1.0, "l2": 0.6, "n_epochs": 30}
MULT_VAE: dict[str, Any] = {
    "n_factors": 200, "n_hidden": 600, "dropout": 0.5, "beta": 0.2, "anneal_epochs": 20,
    "learning_rate": 1e-3, "batch_size": 100, "n_epochs": 30,
}  # fmt: skip

CASES = (
    Case(
        "ItemKNN",
        {"n_neighbours": 100, "shrink": 0},
        always(neighbours.sparse_dot_topn_cosine(100)),
    ),
    # irspack keeps itself among the top_k, and drops it later or, being seen, never ranks it
    Case(
        "UserKNN",
        {"n_neighbours": 100, "shrink": 10.0},
        always(neighbours.irspack("CosineUserKNNRecommender", shrinkage=10.0, top_k=101)),
    ),
    Case(
        "UserKNN",
        {"n_neighbours": 100, "shrink": 10.0, "similarity": "asymmetric", "alpha": 0.3},
        always(
            neighbours.irspack(
                "AsymmetricCosineUserKNNRecommender", shrinkage=10.0, alpha=0.3, top_k=101
            )
        ),
    ),
    # its item models cut per item of the history, ours per scored item: the same without a cut
    Case(
        "ItemKNN",
        {"n_neighbours": UNCUT, "shrink": 10.0, "similarity": "jaccard"},
        always(neighbours.irspack("JaccardKNNRecommender", shrinkage=10.0, top_k=UNCUT)),
    ),
    Case(
        "P3alpha",
        {"n_neighbours": 100, "alpha": 1.0},
        always(neighbours.irspack("P3alphaRecommender", alpha=1.0, top_k=101)),
    ),
    Case(
        "RP3beta",
        {"n_neighbours": 100, "alpha": 1.0, "beta": 0.3},
        always(neighbours.irspack("RP3betaRecommender", alpha=1.0, beta=0.3, top_k=101)),
    ),
    Case("EASE", {"l2": 300.0}, always(neighbours.irspack("DenseSLIMRecommender", reg=300.0))),
    Case(
        "EDLAE",
        {"l2": 50.0, "dropout": 0.5},
        always(neighbours.irspack("EDLAERecommender", reg=50.0, dropout_p=0.5)),
    ),
    Case(
        "RDLAE",
        {"l2": 50.0, "dropout": 0.5, "diagonal_limit": 0.3},
        always(formulas.rdlae(50.0, 0.5, 0.3)),
    ),
    Case(
        "SLIM", {"alpha": 30.0, "l1_ratio": 0.02}, always(neighbours.irspack_slim(l1=0.6, l2=29.4))
    ),
    Case(
        "ADMMSLIM",
        {"l1": 0.6, "l2": 29.4, "rho": 300.0, "n_iterations": 20},
        always(neighbours.irspack_slim(l1=0.6, l2=29.4)),
    ),
    Case("PureSVD", {"n_factors": 32}, always(factors.scipy_svd(32))),
    Case(
        "NMF",
        {"n_factors": 32, "l2": 6.0, "n_epochs": 60},
        always(factors.sklearn_nmf(32, 6.0, 60)),
    ),
    Case("IALS", IALS, lambda seed: factors.irspack_ials(**IALS, seed=seed), SEEDS),
    Case(
        "IALS",
        FLAT,
        lambda seed: factors.implicit_ials(
            **{name: value for name, value in FLAT.items() if name != "exponent"}, seed=seed
        ),
        SEEDS,
    ),
    Case(
        "BPR",
        BPR | {"user_l2": 0.01, "positive_l2": 0.01, "negative_l2": 0.01},
        lambda seed: factors.cornac_bpr(**BPR, l2=0.01, seed=seed),
        SEEDS,
    ),
    Case(
        "LogisticMF",
        LOGISTIC | {"alpha": 1.0, "n_negatives": 30, "max_negatives": 32},  # as many as it draws
        lambda seed: factors.implicit_logistic(**LOGISTIC, negatives=30, seed=seed),
        SEEDS,
    ),
    Case("TurboCF", {"order": 1, "power": 0.6}, always(formulas.turbo_cf(0.45, 0.6, 1))),
    Case("TurboCF", {"order": 3, "power": 0.6}, always(formulas.turbo_cf(0.45, 0.6, 3))),
    Case("GFCF", {"n_factors": 64, "low_pass": 0.3}, always(formulas.gf_cf(64, 0.3))),
    Case("MultVAE", MULT_VAE, lambda seed: networks.torch_mult_vae(**MULT_VAE, seed=seed), 3),
    Case("MultVAE", MULT_VAE, lambda seed: networks.irspack_mult_vae(**MULT_VAE, seed=seed), 3),
    Case("MultVAE", MULT_VAE, lambda seed: networks.recbole_mult_vae(**MULT_VAE, seed=seed), 3),
)
