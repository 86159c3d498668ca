"""Fitted states: every algorithm recommends the same after a round trip."""

import numpy as np
import pytest

from recmeta.algorithms import all_algorithms
from recmeta.execution.fit import fit_one
from recmeta.execution.state import load_state, save_state
from recmeta.testing import informed

# with features and times made up where an algorithm uses them
ALGORITHMS = {name: informed(algorithm) for name, algorithm in all_algorithms().items()}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_state_recommends_as_the_fitted_one_does(name, bundle, tmp_path):
    fold = bundle.fold("test")
    fitted = ALGORITHMS[name](**ALGORITHMS[name].tiny).fit(fold.fit)
    save_state(fitted, tmp_path / "state.npz")
    loaded = load_state(ALGORITHMS[name], tmp_path / "state.npz")
    assert loaded.get_params() == fitted.get_params()
    before = fitted.recommend(fold.history, 5, users=fold.users)
    after = loaded.recommend(fold.history, 5, users=fold.users)
    np.testing.assert_array_equal(after[0], before[0])
    np.testing.assert_array_equal(after[1], before[1])


def test_a_task_saves_the_fit_on_training_and_validation(bundle, make_task, tmp_path):
    task = make_task("Steady", save_to=str(tmp_path / "state.npz"))
    assert fit_one(task).status == "ok"
    import faulty_algorithms  # the folder is on the path in this test only

    loaded = load_state(faulty_algorithms.Steady, tmp_path / "state.npz")
    assert loaded.n_users_ == bundle.fold("test").fit.shape[0]


def test_a_state_of_another_class_is_refused(bundle, tmp_path):
    names = list(ALGORITHMS)[:2]
    save_state(ALGORITHMS[names[0]]().fit(bundle.fold("test").fit), tmp_path / "state.npz")
    with pytest.raises(ValueError, match=f"holds a {names[0]}, not a {names[1]}"):
        load_state(ALGORITHMS[names[1]], tmp_path / "state.npz")
