"""One pass over ranked lists: everything that all metrics at all cutoffs need.

======  =====================================================  ==================
symbol  meaning                                                shape
======  =====================================================  ==================
L       a user's list, best first; -1 pads it                  (k_max,)
T       a user's held-out items                                set
h       hits: items of L at the cutoff that are in T
c       cutoffs, ascending                                     (n_cutoffs,)
======  =====================================================  ==================
"""

import numpy as np
from numba import njit

# the columns of the kernel's per-user values, in its order
PER_USER = (
    "precision", "recall", "precision_recall_min_den", "f1", "hit_rate", "ndcg", "map", "mrr",
    "arhr", "novelty", "average_popularity",
)  # fmt: skip
OF_LISTS = ("novelty", "average_popularity")  # of what a list has: undefined for an empty one


@njit(cache=True, nogil=True)
def first_faulty(  # type: ignore[no-untyped-def]
    ranking,  # int32 (n_rows, k_max)
    stamp,  # int64 (n_items,): the last list that has the item; changed
    first_stamp,
):
    """The first row that has an item twice, one that does not exist or one after a pad; or -1."""
    n_items = len(stamp)
    for row in range(ranking.shape[0]):
        ended = False
        for place in range(ranking.shape[1]):
            item = ranking[row, place]
            if item < 0:
                ended = True
            elif ended or item >= n_items or stamp[item] == first_stamp + row:
                return row
            else:
                stamp[item] = first_stamp + row
    return -1


@njit(cache=True, nogil=True)
def walk(  # type: ignore[no-untyped-def]
    ranking,  # int32 (n_rows, k_max)
    indptr,  # int32 (n_rows + 1,): T as CSR
    indices,  # int32
    cutoffs,  # int64 (n_cutoffs,)
    information,  # float64 (n_items,): -log2 of the popularity share
    popularity,  # float64 (n_items,): share of the largest count
    discount,  # float64 (k_max,): 1 / log2(i + 2)
    stamp,  # int64 (n_items,): the last user that holds the item out; changed
    first_stamp,
    sums,  # float64 (n_metrics, n_cutoffs): added to
    totals,  # int64 (2,): users with held-out items, those with a list; added to
    exposure,  # int64 (n_cutoffs, n_items): by the first cutoff that reaches the place; added to
    hit_exposure,  # int64 (n_cutoffs, n_items): the same for hits; added to
    user_counts,  # int64 (2, n_cutoffs): users with a full list, with a hit; added to
    held_out,  # bool (n_items,): changed
    per_user,  # float64 (n_rows or 0, n_metrics, n_cutoffs): written
):
    k_max, n_cutoffs = ranking.shape[1], len(cutoffs)
    n_metrics = sums.shape[0]
    values = np.zeros(n_metrics)
    for row in range(ranking.shape[0]):
        n_relevant = indptr[row + 1] - indptr[row]
        if n_relevant == 0:
            continue
        mark = first_stamp + row
        for place in range(indptr[row], indptr[row + 1]):
            stamp[indices[place]] = mark
            held_out[indices[place]] = True
        totals[0] += 1
        if k_max > 0 and ranking[row, 0] >= 0:
            totals[1] += 1
        hits, length, first_hit, cut = 0, 0, 0, 0
        dcg, ideal, precisions, reciprocal, bits, fame = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for place in range(cutoffs[n_cutoffs - 1]):
            item = ranking[row, place] if place < k_max else -1
            if place < n_relevant:
                ideal += discount[place]
            if item >= 0:
                length += 1
                bits += information[item]
                fame += popularity[item]
                exposure[cut, item] += 1
                if stamp[item] == mark:
                    hits += 1
                    if first_hit == 0:
                        first_hit = place + 1
                    dcg += discount[place]
                    precisions += hits / (place + 1)
                    reciprocal += 1 / (place + 1)
                    hit_exposure[cut, item] += 1
            k = cutoffs[cut]
            if place + 1 < k:
                continue
            values[0] = hits / k
            values[1] = hits / n_relevant
            values[2] = hits / min(k, n_relevant)
            values[3] = 2 * hits / (k + n_relevant)
            values[4] = 1.0 if hits > 0 else 0.0
            values[5] = dcg / ideal
            values[6] = precisions / min(k, n_relevant)
            values[7] = 1 / first_hit if first_hit > 0 else 0.0
            values[8] = reciprocal
            values[9] = bits / length if length > 0 else np.nan
            values[10] = fame / length if length > 0 else np.nan
            for metric in range(n_metrics):
                if not np.isnan(values[metric]):
                    sums[metric, cut] += values[metric]
                if per_user.shape[0] > 0:
                    per_user[row, metric, cut] = values[metric]
            user_counts[0, cut] += length == k
            user_counts[1, cut] += hits > 0
            cut += 1
