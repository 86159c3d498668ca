import numpy as np


def ndcg(ranking, relevant, k):  # placeholder until the metrics room is built
    out = np.full(ranking.shape[0], np.nan)
    for u in range(ranking.shape[0]):
        t = set(relevant.indices[relevant.indptr[u] : relevant.indptr[u + 1]])
        if t:
            d = sum(1 / np.log2(i + 2) for i, x in enumerate(ranking[u, :k]) if x in t)
            out[u] = d / sum(1 / np.log2(i + 2) for i in range(min(k, len(t))))
    return out
