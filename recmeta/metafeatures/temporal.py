"""How the log moves: drift of popularity, newcomers, repeats. All 0 where times are unknown."""

import numpy as np
from scipy.sparse import csr_array

from recmeta.data import Interactions

DAY = 86_400


def extract(X: csr_array, log: Interactions, *, seed: int = 0) -> dict[str, float]:
    """Time features of the training part.

    repeat_rate: share of events that repeat a pair. With timestamps: log_days of the whole log;
    log_gap: log of the median seconds between a user's neighbouring events; drift: 1 - correlation
    of log item counts before and after the median event; new_items: share of the second half's
    events on items that the first half has not; new_users alike. O(n log n).
    """
    names = ("log_days", "log_gap", "drift", "new_items", "new_users")
    features = {f"temporal.{name}": 0.0 for name in names}
    pairs = log.user_rows.astype(np.int64) * max(log.n_items, 1) + log.item_columns
    features["temporal.repeat_rate"] = (len(pairs) - len(np.unique(pairs))) / max(len(pairs), 1)
    features["temporal.has_times"] = float(log.timestamps is not None)
    features["temporal.has_order"] = float(log.timestamps is not None or log.order is not None)
    if log.timestamps is None or log.n_events < 2:
        return features
    at = log.timestamps
    features["temporal.log_days"] = float(np.log1p((at.max() - at.min()) / DAY))
    order = np.lexsort((at, log.user_rows))
    gaps = np.diff(at[order])[np.diff(log.user_rows[order]) == 0]
    features["temporal.log_gap"] = float(np.log1p(np.median(gaps))) if len(gaps) else 0.0
    late = at > np.median(at)
    for name, places, n in (
        ("items", log.item_columns, log.n_items),
        ("users", log.user_rows, log.n_users),
    ):
        before, after = (np.bincount(places[mask], minlength=n) for mask in (~late, late))
        features[f"temporal.new_{name}"] = float(after[before == 0].sum() / max(after.sum(), 1))
        if name == "items":
            features["temporal.drift"] = _drift(before, after)
    return features


def _drift(
    before: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    after: "np.ndarray[tuple[int], np.dtype[np.int64]]",
) -> float:
    present = (before + after) > 0
    x, y = np.log1p(before[present]), np.log1p(after[present])
    if len(x) < 2 or x.std() < 1e-12 or y.std() < 1e-12:
        return 0.0
    return float(1 - np.corrcoef(x, y)[0, 1])
