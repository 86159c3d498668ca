"""What other libraries are known to get wrong, and what is refused."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from recmeta.metrics import CUTOFFS, METRICS, PER_USER, Accumulator, accuracy, parse


def lists(*rows):
    return np.array(rows, dtype=np.int32)


def held(*rows, n_items=6):
    relevant = np.zeros((len(rows), n_items))
    for row, items in enumerate(rows):
        relevant[row, list(items)] = 1
    return csr_array(relevant)


def result(ranking, relevant, counts=None, **options):
    n_items = relevant.shape[1]
    counts = np.ones(n_items) if counts is None else counts
    accumulator = Accumulator(n_items, counts, **options)
    accumulator.add(ranking, relevant)
    return accumulator.result()


@pytest.mark.parametrize("k", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("n_held_out", [1, 2, 3, 5])
def test_a_perfect_list_has_ndcg_1_however_many_items_are_held_out(k, n_held_out):
    # lkpy#309: with an ideal of another length than min(k, held out) it passes 1
    ranking, relevant = lists([0, 1, 2, 3, 4]), held(range(n_held_out))
    assert accuracy.ndcg(ranking, relevant, k) == pytest.approx([1], abs=1e-15)
    assert accuracy.map(ranking, relevant, k) == pytest.approx([1], abs=1e-15)
    assert accuracy.precision_recall_min_den(ranking, relevant, k) == [1]


def test_a_repeated_item_is_refused_since_it_would_be_two_hits():
    with pytest.raises(ValueError, match=r"each once, .* got \[2, 1, 2\] in row 1"):
        accuracy.ndcg(lists([0, 1, 2], [2, 1, 2]), held([2], [2]), 3)


def test_an_item_held_out_twice_is_held_out_once():
    twice = csr_array((np.ones(3), ([0, 0, 0], [2, 2, 4])), shape=(1, 6))
    doubled = csr_array((np.ones(3), np.array([2, 2, 4]), np.array([0, 3])), shape=(1, 6))
    for relevant in (twice, doubled):
        assert accuracy.recall(lists([2, 0]), relevant, 2) == [1 / 2]
        assert accuracy.ndcg(lists([2, 4]), relevant, 2) == [1]
    assert doubled.nnz == 3, "the argument was changed"


def test_a_stored_zero_is_not_held_out():
    relevant = csr_array((np.array([0.0, 1.0]), ([0, 0], [1, 4])), shape=(1, 6))
    assert accuracy.recall(lists([1, 4]), relevant, 1) == [0]
    assert np.isnan(accuracy.recall(lists([1]), relevant * 0, 1)).all()
    assert relevant.nnz == 2, "the argument was changed"


def test_the_value_of_a_held_out_item_does_not_matter():
    # gains are 0 and 1: 2^playcount as a gain overflows
    relevant = held([1, 4])
    plays = relevant * 5000
    for function in accuracy.ACCURACY:
        assert function(lists([4, 0]), plays, 2) == function(lists([4, 0]), relevant, 2)


def test_users_without_held_out_items_are_left_out_and_not_counted_as_0():
    alone = result(lists([1, 2]), held([1]))
    among_others = result(lists([1, 2], [3, 4], [0, 1]), held([1], [], []))
    for name in METRICS:
        expected = 1 / 3 if name == "users_in_gt" else alone[f"{name}@2"]
        assert among_others[f"{name}@2"] == pytest.approx(expected, nan_ok=True), name


def test_users_of_no_block_are_counted_in_users_in_gt():
    assert result(lists([1, 2]), held([1]), n_other_users=3)["users_in_gt@10"] == 1 / 4


def test_without_any_held_out_item_the_means_are_nan():
    found = result(lists([1, 2]), held([]))
    of_users = [found[f"{name}@{k}"] for name in PER_USER for k in CUTOFFS]
    assert np.isnan(of_users).all()
    assert found["users_in_gt@1"] == 0


def test_a_short_list_is_divided_by_k_and_is_not_a_full_one():
    found = result(lists([1, -1, -1], [1, 2, 3]), held([1], [1]))
    assert found["precision@3"] == pytest.approx(1 / 3)
    assert found["coverage_user@3"] == 1 / 2
    assert found["coverage_user@1"] == 1
    # the two lists share item 1: one place of three
    assert found["diversity_mean_inter_list@3"] == pytest.approx(1 - 1 / 3)
    assert found["average_popularity@3"] == 1


def test_a_user_with_an_empty_list_misses_but_has_no_novelty():
    found = result(lists([-1], [1]), held([1], [1]), counts=np.array([4, 4, 4, 4, 0, 0]))
    assert found["recall@1"] == 1 / 2
    assert found["novelty@1"] == 2


def test_an_item_that_nobody_has_counts_as_if_one_had_it():
    found = result(lists([4]), held([1]), counts=np.array([4, 4, 4, 4, 0, 0]))
    assert found["novelty@1"] == 4
    assert found["average_popularity@1"] == 0


def test_fewer_items_than_the_cutoff_leave_the_last_value_of_recall():
    found = result(lists([0, 1, 2]), held([2, 0], n_items=3))
    assert found["recall@50"] == found["recall@3"] == 1
    assert found["precision@50"] == pytest.approx(2 / 50)
    assert found["coverage_item@50"] == 1
    assert found["coverage_user@50"] == 0


def test_equal_exposure_has_gini_1_and_the_entropy_of_all_items():
    found = result(lists([0, 1], [2, 3]), held([0], [1], n_items=4))
    assert found["diversity_gini@2"] == pytest.approx(1)
    assert found["shannon_entropy@2"] == pytest.approx(2)
    assert found["diversity_herfindahl@2"] == pytest.approx(1 - 4 / 16)
    one_item = result(lists([0], [0]), held([0], [1], n_items=4))
    assert one_item["diversity_gini@1"] == pytest.approx(2 / 5)
    assert one_item["shannon_entropy@1"] == one_item["diversity_herfindahl@1"] == 0


@pytest.mark.parametrize(
    "ranking", [[[0, 6]], [[0, -1, 1]]], ids=["an item that does not exist", "an item after a pad"]
)
def test_what_is_no_list_is_refused(ranking):
    with pytest.raises(ValueError, match=r"items in 0\.\.5, each once, then -1 to the end"):
        result(np.array(ranking, dtype=np.int32), held([1]))


def test_after_a_refusal_the_right_block_can_be_added():
    accumulator = Accumulator(6, np.ones(6))
    with pytest.raises(ValueError, match="each once"):
        accumulator.add(lists([0, 1], [2, 2]), held([0], [2]))
    accumulator.add(lists([0, 1], [2, 3]), held([0], [2]))
    assert accumulator.result()["recall@1"] == 1
    assert accumulator.n_users == accumulator.n_rows == 2


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"relevant \(n_rows, 6\): got \(1, 2\) and \(2, 6\)"):
        result(lists([0, 1]), held([0], [1]))
    accumulator = Accumulator(6, np.ones(6))
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(1, 9\)"):
        accumulator.add(lists([0, 1]), held([0], n_items=9))
    with pytest.raises(ValueError, match=r"item_counts must be \(6,\): got \(5,\)"):
        Accumulator(6, np.ones(5))


@pytest.mark.parametrize("cutoffs", [(), (0, 1), (2, 1), (1, 1)])
def test_cutoffs_that_are_not_ascending_from_1_are_refused(cutoffs):
    with pytest.raises(ValueError, match="cutoffs must be ascending and at least 1"):
        Accumulator(6, np.ones(6), cutoffs)


def test_a_metric_is_written_with_its_cutoff():
    assert parse("ndcg@10") == ("ndcg", 10)
    assert parse("NDCG@10") == ("ndcg", 10)
    assert parse("ndcg@12", cutoffs=(12,)) == ("ndcg", 12)
    for text in ("ndcg", "ndcg@"):
        with pytest.raises(ValueError, match=r"^ndcg needs a cutoff: ndcg@10$"):
            parse(text)
    for text in ("ndgc", "ndcg@11", "ndcg@²"):
        with pytest.raises(ValueError, match="write name@cutoff with a cutoff of"):
            parse(text)
    with pytest.raises(ValueError, match="precision"):
        parse("nothing@10")


def test_every_metric_says_its_formula_and_what_it_is_taken_over():
    assert len(METRICS) == 21
    assert {name for name, metric in METRICS.items() if metric.kind == "user"} == set(PER_USER)
    assert all(metric.formula.endswith(".") for metric in METRICS.values())
