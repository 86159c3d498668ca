"""Trees that rank pairs of users and items: LightGBM's LambdaRank, in little memory."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recmeta.algorithms._work_space import give_back

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]
FIXED = {
    "objective": "lambdarank", "lambdarank_norm": False, "learning_rate": 0.05, "verbosity": -1,
    "deterministic": True, "force_row_wise": True, "num_threads": 1,
}  # fmt: skip


class Lesson(NamedTuple):
    """Pairs of users of whose held-out items one at least is a candidate."""

    features: F32  # (n_pairs, n_features)
    is_held: NDArray[np.bool_]  # (n_pairs,)
    groups: I64  # (n_users,): how many pairs in a row are of one user


def binned(lessons: Sequence[Lesson], params: Mapping[str, Any]) -> Any:
    """LightGBM's Dataset: the bin of each feature, a byte a pair; None of no pairs."""
    import lightgbm  # takes a second to import, and more with its optional parts

    some = [one for one in lessons if len(one.groups)]
    if not some:
        return None
    features, is_held, groups = zip(*some, strict=True)
    answers: dict[str, Any] = {"label": np.concatenate(is_held), "group": np.concatenate(groups)}
    sets = []
    for column in range(features[0].shape[1]):
        # one by one: LightGBM looks for bins in a copy, 12 bytes a pair and feature
        part = [np.ascontiguousarray(one[:, [column]]) for one in features]
        name, settings = [f"Column_{column}"], {**FIXED, **params}
        data = lightgbm.Dataset(part, **answers, feature_name=name, params=settings).construct()
        sets.append(data)
        if column:
            with warnings.catch_warnings():  # that what it was made of is not kept
                warnings.simplefilter("ignore", UserWarning)
                sets[0].add_features_from(sets.pop())
    return sets[0]


def trees_of(data: Any, params: Mapping[str, Any], n_trees: int) -> NDArray[np.uint8]:
    """LambdaRank: the text of LightGBM's model; empty if there was nothing to learn."""
    nothing = np.zeros(0, dtype=np.uint8)
    if data is None:
        return nothing
    import lightgbm  # as above

    give_back()  # training has its own numbers for each pair
    trees = lightgbm.train({**FIXED, **params}, data, n_trees)
    if not trees.feature_importance().any():  # not one split: too few pairs for min_leaf
        return nothing
    return np.frombuffer(trees.model_to_string().encode(), dtype=np.uint8).copy()


def values_of(text: NDArray[np.uint8], features: F32, n_models: int) -> NDArray[Any]:
    """ln(1 + exp(f)) by the trees, above 0; without trees the mean reciprocal rank: (n_pairs,)."""
    if not len(text):
        return features[:, 2 * n_models]
    import lightgbm  # as above

    trees = lightgbm.Booster(model_str=text.tobytes().decode())
    return np.logaddexp(0, trees.predict(features, num_threads=1))
