"""Dry runs: what would be run, and for how long; nothing is fitted."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from recmeta.algorithms import EASE, Cost, Recommender, get
from recmeta.execution.bundle import write_bundle
from recmeta.execution.task import Result
from recmeta.experiments.configurations import Configuration, configurations
from recmeta.experiments.estimate import LEAST_SECONDS, Estimate, estimate, wall_seconds
from recmeta.experiments.plan import Limits, Plan
from recmeta.experiments.sources import Preparation, find_sources, split_of
from recmeta.experiments.store import Store


@pytest.fixture
def root(tmp_path):
    rng = np.random.default_rng(0)
    for name, n_users in (("one", 60), ("two", 80)):
        users, items = np.nonzero(rng.random((n_users, 40)) < 0.3)
        (tmp_path / name).mkdir()
        pd.DataFrame({"user": users, "item": items}).to_parquet(
            tmp_path / name / "interactions.parquet"
        )
    (tmp_path / "zero").mkdir()
    (tmp_path / "zero" / "interactions.parquet").write_text("this is no parquet")
    return tmp_path


@pytest.fixture
def how(root):
    return [Preparation("random", 0, None, root / "cache")]


@pytest.fixture(autouse=True)
def no_fit(monkeypatch):
    def refused(*_, **__):
        raise AssertionError("a dry run fits nothing")

    for name in ("EASE", "PureSVD", "ItemKNNCBF"):
        monkeypatch.setattr(get(name), "fit", refused)
    monkeypatch.setattr("recmeta.experiments.sources.extract_all", refused)


def bundle_of(root, how, name):
    (source,) = find_sources([name], root)
    return write_bundle(split_of(source, how), root / f"as-{name}", dataset=name)


def said_of(bundle):
    """Seconds of a fit of EASE on each part, as its cost() says them."""
    matrices = (bundle.fold(part).fit for part in ("validation", "test"))
    return [max(EASE.cost(*X.shape, X.nnz, l2=1.0).seconds, LEAST_SECONDS) for X in matrices]


def test_tasks_are_counted_and_nothing_is_written(root, how):
    before = sorted(root.rglob("*"))
    plan = Plan(configurations(["EASE", "PureSVD", "ItemKNNCBF"], 2), seeds=(0, 1))
    one, two, zero = estimate(find_sources([], root), plan, None, how, done=set())
    assert (one.dataset, one.split) == ("one", "random_holdout")
    assert (one.n_tasks, one.n_done, one.n_refused, one.n_known) == (12, 0, 0, 0)
    assert list(one.left_out) == ["ItemKNNCBF"]
    assert two.n_tasks == 12
    assert zero.error.startswith("DataError") or "parquet" in zero.error.lower()
    assert sorted(root.rglob("*")) == before


def test_without_runs_the_time_is_what_cost_says(root, how):
    plan = Plan(configurations(["EASE"], 0))
    (found,) = estimate(find_sources(["one"], root), plan, None, how, done=set())
    assert found.seconds == pytest.approx(sum(said_of(bundle_of(root, how[0], "one"))))


class Tells(Recommender):
    """Its cost() must be told all of its parameters."""

    def __init__(self, seconds=3.0, factor=1.0):
        self.seconds = seconds
        self.factor = factor

    @classmethod
    def cost(cls, n_users, n_items, nnz, seconds, factor):
        return Cost(seconds * factor, 1.0)

    def _fit(self, X):
        raise AssertionError("a dry run fits nothing")


def test_what_a_configuration_does_not_say_has_its_default(root, how):
    plan = Plan((Configuration(f"{__name__}:Tells", {"factor": 2.0}, "mine"),))
    (found,) = estimate(find_sources(["one"], root), plan, None, how, done=set())
    assert (found.error, found.n_tasks) == ("", 1)
    assert found.seconds == 2 * 3.0 * 2.0  # a fit a part


class CannotTell(Recommender):
    """Its cost() does not know a parameter that it has."""

    def __init__(self, depth=3):
        self.depth = depth

    @classmethod
    def cost(cls, n_users, n_items, nnz):
        return Cost(1.0, 1.0)

    def _fit(self, X):
        raise AssertionError("a dry run fits nothing")


def test_a_task_whose_cost_fails_is_counted_and_costs_the_others_nothing(root, how, caplog):
    broken = Configuration(f"{__name__}:CannotTell", {}, "default")
    unknown = Configuration("EASE", {"l3": 1.0}, "mistyped")
    plan = Plan((broken, unknown, *configurations(["EASE"], 0)))
    (found,) = estimate(find_sources(["one"], root), plan, None, how, done=set())
    assert (found.error, found.n_tasks, found.n_refused) == ("", 3, 0)
    assert found.seconds == pytest.approx(sum(said_of(bundle_of(root, how[0], "one"))))
    assert [record.args[0] for record in caplog.records] == [broken.algorithm, "EASE"]


def test_what_a_run_took_besides_its_fits_is_not_less_than_nothing(root, how):
    one, two = (bundle_of(root, how[0], name) for name in ("one", "two"))
    plan = Plan(configurations(["EASE"], 0))
    (task,) = plan.tasks(one)
    with Store(root / "s.sqlite") as store:
        store.add_dataset(one.key, one.dataset, one.split, one.info)
        store.add(task, Result("ok", fit_s=0.5, total_s=0.75))  # two fits of 0.5 s
        (of_two,) = estimate(find_sources(["two"], root), plan, store, how, done=set())
    ratio = 0.5 / np.mean(said_of(one))
    assert of_two.seconds == pytest.approx(ratio * sum(said_of(two)))


def test_runs_on_the_problem_give_their_median_and_others_the_ratio(root, how):
    one, two = (bundle_of(root, how[0], name) for name in ("one", "two"))
    plan = Plan(configurations(["EASE"], 4))
    tasks = list(plan.tasks(one))
    with Store(root / "s.sqlite") as store:
        store.add_dataset(one.key, one.dataset, one.split, one.info)
        for task, total_s in zip(tasks[:3], (1.0, 5.0, 3.0), strict=True):
            store.add(task, Result("ok", fit_s=0.25 * total_s, total_s=total_s))
        sources = find_sources(["one", "two"], root)
        done = {task.id for task in tasks[:3]}
        of_one, of_two = estimate(sources, plan, store, how, done=done)
    assert (of_one.n_done, of_one.n_known) == (3, 2)
    assert of_one.seconds == pytest.approx(2 * 3.0)
    assert of_one.longest_s == pytest.approx(3.0)
    # by hand: fits took so many times what cost() says, and half of each run was not its fits
    ratio = 0.75 / np.mean(said_of(one))
    assert of_two.n_known == 0
    assert of_two.seconds == pytest.approx(5 * (ratio * sum(said_of(two)) + 1.5))


def test_runs_of_this_host_are_what_seconds_are_scaled_by_where_there_are_any(
    root, how, monkeypatch
):
    one, two = (bundle_of(root, how[0], name) for name in ("one", "two"))
    plan = Plan(configurations(["EASE"], 1))
    here, elsewhere = plan.tasks(one)
    ratios = {}
    with Store(root / "s.sqlite") as store:
        store.add_dataset(one.key, one.dataset, one.split, one.info)
        for host, task, fit_s in (("slow", elsewhere, 8.0), ("this", here, 2.0)):
            monkeypatch.setattr("platform.node", lambda host=host: host)
            store.add(task, Result("ok", fit_s=fit_s, total_s=2 * fit_s))
            (found,) = estimate(find_sources(["two"], root), plan, store, how, done=set())
            ratios[host] = found.seconds / (2 * sum(said_of(two)))
        monkeypatch.setattr("platform.node", lambda: "third")
        (found,) = estimate(find_sources(["two"], root), plan, store, how, done=set())
        ratios["third"] = found.seconds / (2 * sum(said_of(two)))
    said = np.mean(said_of(one))
    assert ratios == pytest.approx({"slow": 8 / said, "this": 2 / said, "third": 5 / said})


def test_tasks_are_counted_by_what_their_seconds_are_from(root, how):
    one = bundle_of(root, how[0], "one")
    plan = Plan(configurations(["EASE", "PureSVD"], 1))
    task = next(one_ for one_ in plan.tasks(one) if one_.algorithm == "EASE")
    with Store(root / "s.sqlite") as store:
        store.add_dataset(one.key, one.dataset, one.split, one.info)
        store.add(task, Result("ok", fit_s=1.0, total_s=2.0))
        sources = find_sources(["one", "two"], root)
        of_one, of_two = estimate(sources, plan, store, how, done=set())
    assert (of_one.n_tasks, of_one.n_known, of_one.n_scaled) == (4, 2, 0)
    assert (of_two.n_tasks, of_two.n_known, of_two.n_scaled) == (4, 0, 2)


def test_what_cost_refuses_takes_no_time_and_no_task_more_than_its_limit(root, how):
    sources = find_sources(["one"], root)
    small = Plan(configurations(["EASE"], 1), limits=Limits(memory_bytes=1))
    (refused,) = estimate(sources, small, None, how, done=set())
    assert (refused.n_tasks, refused.n_refused, refused.seconds) == (2, 2, 0.0)
    quick = replace(small, limits=Limits(time_limit_s=1e-4))
    (limited,) = estimate(sources, quick, None, how, done=set())
    assert limited.seconds == pytest.approx(2e-4)


def test_workers_share_the_work_but_not_a_task():
    found = [Estimate("a", "s", seconds=10.0, longest_s=2.0), Estimate("b", "s", seconds=2.0)]
    assert wall_seconds(found, 2) == 6.0
    assert wall_seconds(found, 100) == 2.0
    assert wall_seconds([], 2) == 0.0


def test_runs_of_an_algorithm_that_is_gone_do_not_matter(root, how):
    one = bundle_of(root, how[0], "one")
    gone = Plan((Configuration("EASE", {"l2": 1.0}, "s1"),))
    (task,) = gone.tasks(one)
    with Store(root / "s.sqlite") as store:
        store.add(replace(task, algorithm="NoLonger"), Result("ok", fit_s=1.0, total_s=2.0))
        (found,) = estimate(find_sources(["one"], root), gone, store, how, done=set())
    assert (found.n_known, found.n_tasks) == (0, 1)
