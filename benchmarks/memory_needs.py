"""The work arrays of each method beside X and what is learned, in bytes: for memory.py.

What a docstring or a paper says that a method works on, at the moment of its peak; not what our
code happens to hold. ``n`` is the number of entries of X, of 8 bytes each; turning X over for its
columns takes as many again.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from recmeta.algorithms._admm_start import COLUMNS

PANEL = 16 * 2**20  # of X'X, that the neighbours of items are taken from


def work_of(model: Any, X: csr_array) -> float:
    """Bytes of work arrays of a fitted model."""
    n_users, n_items = X.shape
    shape = n_users, n_items, X.nnz
    if hasattr(model, "weights_"):  # a network: gradients as large as the weights, and a batch
        batch = NETWORKS.get(type(model).__name__, rows_of_scores)
        return model.weights_.nbytes + batch(model, *shape)
    return WORK.get(type(model).__name__, nothing)(model, *shape)


def nothing(model: Any, u: int, i: int, n: int) -> float:
    return 0.0


def turned(model: Any, u: int, i: int, n: int) -> float:
    return 8.0 * n


def neighbours(model: Any, u: int, i: int, n: int) -> float:
    """A panel of X'X, and X by its columns."""
    return min(PANEL, 4 * i**2) + 8.0 * n


def walks(model: Any, u: int, i: int, n: int) -> float:
    """The same, with values of their own for X's entries."""
    return neighbours(model, u, i, n) + 4 * n


def of_sansa(model: Any, u: int, i: int, n: int) -> float:
    """X with its items in order, that by columns, the rows of X'X that are kept, and F."""
    stored = np.minimum(np.arange(i), max(1024, 8 * model.n_neighbours)).sum()
    return 16.0 * n + 8 * stored + 8 * i * model.n_neighbours


def of_pure_svd(model: Any, u: int, i: int, n: int) -> float:
    """X in what is hidden and what is left, the latter by columns, the Krylov basis Q, and T, which
    LAPACK takes a copy of."""
    size = min(5 * 128 + 90, i)
    return 8.0 * n + 6.4 * n + 4 * i * size + 8 * size**2


def of_nmf(model: Any, u: int, i: int, n: int) -> float:
    """X by columns, and scikit-learn's start: 10 singular vectors more than factors, and the
    products that they are of."""
    return 8.0 * n + 8.0 * (u + i) * (model.item_factors_.shape[1] + 10)


def of_logistic_mf(model: Any, u: int, i: int, n: int) -> float:
    """X by columns, and the pool of zeros by rows and by columns."""
    return 8.0 * n + 8 * max(u, i) * (model.n_factors + 2)


def rows_of_scores(model: Any, u: int, i: int, n: int) -> float:
    """Scores of a batch, their softmax and gradient."""
    return 12.0 * min(model.batch_size, u) * i


def of_light_gcn(model: Any, u: int, i: int, n: int) -> float:
    """S, the order of the interactions, and a layer before and after its product."""
    return 16.0 * n + 4 * n + 8 * (u + i) * model.n_factors


def of_spectral_cf(model: Any, u: int, i: int, n: int) -> float:
    """S, the order of the interactions; and, since reverse-mode differentiation goes back through
    each layer, what it took and what it gave, and the gradient of all that they gave."""
    numbers = model.n_layers + 2 * (model.n_layers + 1)
    return 16.0 * n + 4 * n + 4 * (u + i) * model.n_factors * numbers


def of_sas_rec(model: Any, u: int, i: int, n: int) -> float:
    """The sequences, and of a batch the scores of those drawn and 20 numbers a place and factor."""
    place = min(model.n_negatives, i) + 20 * model.n_factors * model.n_layers
    return 4.0 * n + 16 * model.batch_size * model.max_length * place


def of_pairs(model: Any, u: int, i: int, n: int) -> float:
    """The users of each item, the order of the interactions; of each user and item the attention's
    hidden layer, its weighted embedding and the sum over its history, which reverse-mode
    differentiation goes back through; and a batch."""
    attended = 4.0 * (u + i) * (model.n_neurons + 2 * (model.n_factors + 1))
    batch = 12 * model.batch_size * (1 + model.n_negatives) * 6 * model.n_neurons
    return 4.0 * n + 4 * n + attended + batch


def of_two_stage(model: Any, u: int, i: int, n: int) -> float:
    """The matrix without what is put aside, and the features of the pairs that are learned from,
    beside the models of the first stage; LightGBM's byte a feature comes when those have gone."""
    pairs = 1.2 * model.n_negatives * min(u, model.n_train_users)  # a fifth was put aside
    features = 2 * len(model.candidates) + 7
    return (1 - model.held_out) * 8 * n + 4 * pairs * features


def histories(model: Any, u: int, i: int, n: int) -> float:
    """X by columns."""
    return 8.0 * n


WORK: dict[str, Callable[[Any, int, int, int], float]] = {
    "ADMMSLIM": lambda model, u, i, n: 4.0 * i**2 + 5 * 4 * COLUMNS * i,
    "AsySVD": lambda model, u, i, n: 4.0 * n,  # X with rows of length 1
    "CoClustering": lambda model, u, i, n: (
        8.0 * n + 16 * max(u * model.n_item_clusters, i * model.n_user_clusters)
    ),
    "EASE": turned,
    "EDLAE": turned,
    "GFCF": lambda model, u, i, n: 12.0 * n,  # R's values, and R by columns
    "IALS": turned,
    "ItemKNN": neighbours,
    "ItemKNNCBF": lambda model, u, i, n: float(min(PANEL, 4 * i**2)),
    # the histories of items, those with features, and both again by columns
    "ItemKNNCFCBF": lambda model, u, i, n: neighbours(model, u, i, n) + 16 * n,
    "LogisticMF": of_logistic_mf,
    # the events by item, and the neighbours before they are turned over
    "MarkovChain": lambda model, u, i, n: 8.0 * n + 4 * n + 8 * i * model.n_neighbours,
    "NMF": of_nmf,
    "P3alpha": walks,
    "PureSVD": of_pure_svd,
    "RDLAE": turned,
    "RP3beta": walks,
    "SANSA": of_sansa,
    "SLIM": lambda model, u, i, n: 4.0 * i**2 + 8 * n,
    "SLIMBPR": lambda model, u, i, n: 5.0 * n + 8 * i * model.n_neighbours,
    "SlopeOne": turned,
    # what is hidden and what is left, with its times
    "TimeDecayedPopular": lambda model, u, i, n: 8.0 * n + 6.4 * n,
    "TwoStage": of_two_stage,
    "TurboCF": lambda model, u, i, n: 12.0 * n,
    "UserKNNCBF": lambda model, u, i, n: float(min(PANEL, 4 * u**2)),
    "UserKNNCFCBF": lambda model, u, i, n: 8.0 * n,  # histories and features side by side
}
NETWORKS = {
    "DELFEF": of_pairs,
    "DELFMLP": of_pairs,
    "INeuRec": histories,
    "LightGCN": of_light_gcn,
    "SASRec": of_sas_rec,
    "SpectralCF": of_spectral_cf,
    "UNeuRec": histories,
}
