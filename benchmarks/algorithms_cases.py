"""Which peer each algorithm is timed beside, and with which parameters."""

from dataclasses import dataclass
from typing import Any

from peers import Peer, factors, formulas, neighbours, networks, ratings, simple


@dataclass(frozen=True)
class Case:
    """``rated``: X has values from 1 to 5 in place of ones. ``big``: the peer copes with 10m."""

    algorithm: str
    params: dict[str, Any]
    peer: Peer
    rated: bool = False
    big: bool = True


IALS: dict[str, Any] = {
    "n_factors": 64, "l2": 0.015, "exponent": 0.5, "unobserved_weight": 0.1, "n_epochs": 16,
}  # fmt: skip
FLAT: dict[str, Any] = {"n_factors": 64, "l2": 0.015, "unobserved_weight": 0.1, "n_epochs": 16}
BPR: dict[str, Any] = {"n_factors": 64, "learning_rate": 0.05, "n_epochs": 20}
FUNK: dict[str, Any] = {"n_factors": 64, "learning_rate": 0.005, "n_epochs": 20}
LOGISTIC: dict[str, Any] = {"n_factors": 30, "learning_rate": 1.0, "l2": 0.6, "n_epochs": 30}
MULT_VAE: dict[str, Any] = {
    "n_factors": 200, "n_hidden": 600, "dropout": 0.5, "beta": 0.2, "anneal_epochs": 1,
    "learning_rate": 1e-3, "batch_size": 500, "n_epochs": 1,
}  # fmt: skip
FUNK_OURS = {
    "n_factors": 64, "learning_rate": 0.005, "user_l2": 0.02, "item_l2": 0.02,
    "negative_share": 0.0, "n_epochs": 20, "biases": True,
}  # fmt: skip

CASES = (
    Case("Random", {}, simple.numpy_random()),
    Case("TopPopular", {}, simple.numpy_top_popular()),
    Case("GlobalEffects", {}, simple.surprise_baseline(), rated=True, big=False),
    Case("ItemKNN", {"n_neighbours": 100, "shrink": 0}, neighbours.sparse_dot_topn_cosine(100)),
    Case(
        "ItemKNN",
        {"n_neighbours": 100, "shrink": 0},
        neighbours.implicit_neighbours("CosineRecommender", 101),
    ),
    Case(
        "UserKNN",
        {"n_neighbours": 100, "shrink": 0},
        neighbours.sparse_dot_topn_cosine(100, users=True),
    ),
    Case(
        "UserKNN",
        {"n_neighbours": 100, "shrink": 0},
        neighbours.implicit_neighbours("CosineRecommender", 101, users=True),
        big=False,
    ),
    Case(
        "P3alpha",
        {"n_neighbours": 100, "alpha": 1.0},
        neighbours.irspack("P3alphaRecommender", alpha=1.0, top_k=101),
    ),
    Case(
        "RP3beta",
        {"n_neighbours": 100, "alpha": 1.0, "beta": 0.3},
        neighbours.irspack("RP3betaRecommender", alpha=1.0, beta=0.3, top_k=101),
    ),
    Case("EASE", {"l2": 500.0}, neighbours.irspack("DenseSLIMRecommender", reg=500.0)),
    Case("EASE", {"l2": 500.0}, formulas.rdlae(500.0, 0.0, 0.0)),
    Case("EDLAE", {"l2": 50.0, "dropout": 0.5}, formulas.rdlae(50.0, 0.5, 0.0)),
    Case(
        "RDLAE",
        {"l2": 50.0, "dropout": 0.5, "diagonal_limit": 0.3},
        formulas.rdlae(50.0, 0.5, 0.3),
    ),
    Case(
        "ADMMSLIM",
        {"l1": 0.6, "l2": 30.0, "rho": 300.0, "n_iterations": 20},
        formulas.admm_slim(0.6, 30.0, 300.0, 20),
        big=False,
    ),
    Case(
        "SLIM",
        {"alpha": 50.0, "l1_ratio": 0.1},
        neighbours.irspack_slim(l1=5.0, l2=45.0),
        big=False,
    ),
    Case("PureSVD", {"n_factors": 64}, factors.sklearn_svd(64)),
    Case(
        "NMF",
        {"n_factors": 32, "l2": 6.0, "n_epochs": 30},
        factors.sklearn_nmf(32, 6.0, 30),
    ),
    Case("IALS", IALS, factors.irspack_ials(**IALS, seed=0)),
    Case("IALS", FLAT | {"exponent": 0.0}, factors.implicit_ials(**FLAT, seed=0)),
    Case("BPR", BPR, factors.cornac_bpr(**BPR, l2=0.01, seed=0)),
    Case("BPR", BPR, factors.implicit_bpr(**BPR, l2=0.01, seed=0)),
    # implicit draws n_factors + 2 zeros a row and weighs each once, whatever its neg_prop: so do
    # ours in the first case, while the second stands for all pairs
    Case(
        "LogisticMF",
        LOGISTIC | {"alpha": 1.0, "max_negatives": 32},
        factors.implicit_logistic(**LOGISTIC, negatives=30, seed=0),
        big=False,
    ),
    Case(
        "LogisticMF",
        LOGISTIC | {"alpha": 1.0},
        factors.implicit_logistic(**LOGISTIC, negatives=30, seed=0),
        big=False,
    ),
    Case(
        "FunkSVD",
        FUNK_OURS,
        ratings.ranked("cornac", ratings.cornac_mf(**FUNK, l2=0.02, seed=0)),
        rated=True,
    ),
    Case(
        "FunkSVD",
        FUNK_OURS,
        ratings.ranked("scikit-surprise", ratings.surprise_svd(**FUNK, l2=0.02, seed=0)),
        rated=True,
        big=False,
    ),
    Case(
        "SlopeOne",
        {},
        ratings.ranked("scikit-surprise", ratings.surprise_slope_one()),
        rated=True,
        big=False,
    ),
    Case(
        "CoClustering",
        {"n_user_clusters": 3, "n_item_clusters": 3, "n_epochs": 20},
        ratings.ranked("scikit-surprise", ratings.surprise_co_clustering(3, 3, 20, seed=0)),
        rated=True,
        big=False,
    ),
    Case("TurboCF", {}, formulas.turbo_cf(0.45, 0.6, 1)),
    Case("GFCF", {"n_factors": 64, "low_pass": 0.3}, formulas.gf_cf(64, 0.3)),
    Case("MultVAE", MULT_VAE, networks.torch_mult_vae(**MULT_VAE, seed=0)),
)
