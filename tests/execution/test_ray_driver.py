"""What is tried again, on which node, and what is refused: Ray's part without a cluster."""

import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recmeta.cli import app
from recmeta.execution._ray_cluster import MAX_FAULTS, PLACING_S, Attempt, Cluster, Lost, _Node
from recmeta.execution.local import RETRIES
from recmeta.execution.ray import ClusterError, _Driver, run
from recmeta.execution.task import Result
from recmeta.registry import MissingExtraError

from .conftest import task_maker

ray = pytest.importorskip("ray")

SHOP = Path(__file__).parents[2] / "examples" / "shop.csv"


class OneSlot:
    """A cluster in which each task ends as ``outcome(attempt)`` says."""

    def __init__(self, outcome):
        self.outcome, self.running = outcome, []

    @property
    def n_running(self):
        return len(self.running)

    def has_free_slot(self):
        return not self.running

    def begin(self, attempt, seconds_left):
        self.running.append(attempt)

    def ended(self, timeout, seconds_left):
        attempt = self.running.pop()
        yield attempt, self.outcome(attempt)


def drive(tasks, outcome, deadline=None):
    driver, begun, came = _Driver(iter(tasks), OneSlot(outcome), deadline), [], []
    while not driver.is_done():
        came += driver.begin(lambda task, tries: begun.append((task.seed, tries)))
        if driver.cluster.running:
            came += driver.ended(0.0)
    return begun, came


def is_lost(attempt: Attempt) -> Lost:
    return Lost("a node", Result("error", error=f"loss {attempt.tries}"))


def test_a_task_that_is_lost_three_times_is_a_row_that_says_so(bundle):
    begun, [(_, result)] = drive([task_maker(bundle)("Steady")], is_lost)
    assert begun == [(0, tries) for tries in range(1, RETRIES + 2)]
    assert (result.status, result.tries) == ("error", 3)
    assert result.error == "infrastructure fault, tried 3 times: loss 3"


def test_a_lost_task_comes_before_new_ones_and_knows_where_it_was_lost(bundle):
    tried_on = []

    def outcome(attempt):
        tried_on.append((attempt.task.seed, set(attempt.tried_on)))
        return is_lost(attempt) if attempt.tries == 1 else Result("ok")

    make = task_maker(bundle)
    _, came = drive([make("Steady", seed=seed) for seed in range(2)], outcome)
    assert tried_on == [(0, set()), (0, {"a node"}), (1, set()), (1, {"a node"})]
    assert [(task.seed, result.tries) for task, result in came] == [(0, 2), (1, 2)]


def test_what_is_lost_after_the_deadline_is_a_timeout_with_its_cause(bundle):
    def outcome(attempt):
        time.sleep(max(deadline - time.monotonic(), 0))
        return is_lost(attempt)

    deadline = time.monotonic() + 0.05
    make = task_maker(bundle)
    begun, [(task, result)] = drive([make("Steady"), make("Steady", seed=1)], outcome, deadline)
    assert begun == [(0, 1)]
    assert (task.seed, result.status, result.tries) == (0, "timeout", 1)
    assert result.error == "no time for another try: loss 1"


def test_the_next_task_is_read_when_a_slot_is_free(bundle):
    read = []

    def tasks():
        for seed in range(4):
            read.append(seed)
            yield task_maker(bundle)("Steady", seed=seed)

    driver = _Driver(tasks(), OneSlot(lambda attempt: Result("ok")), None)
    for n in range(1, 5):
        assert [*driver.begin(lambda task, tries: None)] == []
        assert len(read) == n
        assert len([*driver.ended(0.0)]) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers and threads must be at least 1: got 0 and 1"),
        ({"threads": 0}, "workers and threads must be at least 1: got None and 0"),
        ({"data": "mail"}, "data must be one of auto, shared, ship: got 'mail'"),
    ],
)
def test_options_that_cannot_be_are_refused_before_ray_is_asked(options, said):
    with pytest.raises(ValueError, match=said):
        next(run([], **options))


def test_without_ray_the_error_has_the_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'recmeta\[ray\]'"):
        next(run([]))


def test_without_a_cluster_the_error_says_how_to_start_one(monkeypatch):
    def finds_none(*arguments, **options):
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setattr(ray, "init", finds_none)
    with pytest.raises(ClusterError, match=r"at this machine .*Could not find.*ray start --head"):
        next(run([]))


class Taken:
    """Ray's module, for a cluster whose nodes have no processor free."""

    def __init__(self, *ids):
        self.ids, self.killed = ids, []

    def nodes(self):
        host = {"NodeManagerHostname": "h", "Alive": True, "Resources": {"CPU": 2}}
        return [{"NodeID": id_, **host} for id_ in self.ids]

    def kill(self, actor):
        self.killed.append(actor)


def test_a_node_that_others_hold_is_passed_over_for_the_next(monkeypatch):
    def start(self, node_id, host, slots):
        self.nodes[node_id] = _Node(node_id, host, slots, actor=node_id, answer=None)

    module = Taken("a", "b", "c")
    monkeypatch.setitem(sys.modules, "ray", module)
    monkeypatch.setattr(Cluster, "_start", start)
    cluster, asked = Cluster(2, 1, "auto"), []
    for _ in range(4):
        cluster._look()
        [node] = cluster.nodes.values()  # two slots are all that is wanted
        asked.append(node.id)
        node.asked -= PLACING_S + 1
    assert sorted(asked[:3]) == ["a", "b", "c"]
    assert asked[3] == asked[0]
    assert module.killed == asked[:3]
    node.asked, node.placed = node.asked - PLACING_S, True
    cluster._look()
    assert [*cluster.nodes] == [node.id]


def test_a_node_that_fails_three_times_is_left_out_and_the_reason_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", Taken("n"))
    monkeypatch.setattr(Cluster, "_start", lambda self, node_id, host, slots: started.append(slots))
    started: list[int] = []
    cluster = Cluster(None, 1, "auto")
    cluster._look()
    cluster.faults["n"] = ["h: numpy is too old"] * MAX_FAULTS
    with pytest.raises(ClusterError, match="no node can do tasks:\nh: numpy is too old"):
        cluster._look()
    assert started == [2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--executor", "slurm"], "'slurm' is neither local nor ray nor an address"),
        (["--executor", "ray", "--data", "mail"], "'mail' is none of auto, shared, ship"),
    ],
)
def test_an_executor_that_there_is_not_is_refused(options, said, tmp_path):
    command = ["sweep", "--datasets", str(SHOP), "--store", str(tmp_path / "s.sqlite"), *options]
    done = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert said in done.output
