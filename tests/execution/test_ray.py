"""A real cluster of several raylets on this machine; one is killed while a sweep runs on it."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest

from recmeta.execution import local
from recmeta.execution._ray_cluster import MAX_FAULTS, Attempt, Cluster, Lost
from recmeta.execution.local import RETRIES
from recmeta.execution.ray import ClusterError, _Driver, run
from recmeta.execution.task import Result
from recmeta.registry import MissingExtraError

from .conftest import task_maker
from .test_local import is_alive, wait_for

ray = pytest.importorskip("ray")

MIB = 2**20
HERE = Path(__file__).parent
FAULTS = ("Raises", "Hogs", "IsTooLarge", "Segfaults", "Exits")
LIMITS = {"time_limit_s": 30.0, "memory_bytes": 300 * MIB}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A head without processors, as large clusters have it, and two nodes of one each."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE))  # of the nodes
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("node")))
        patch.setenv("RAY_TMPDIR", "/tmp")  # sockets below it: their paths must be short
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        small = {"include_dashboard": False, "object_store_memory": 80 * MIB}
        made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        for _ in range(2):
            made.add_node(num_cpus=1, wait=False, **small)
        made.wait_for_nodes()
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def tasks(bundle, tmp_path_factory):
    make = task_maker(bundle)
    notes = tmp_path_factory.mktemp("notes")
    tasks = [make(name, **LIMITS) for name in FAULTS]
    tasks.append(make("Hangs", time_limit_s=1.0))
    tasks += [make("Steady", seed=seed, **LIMITS) for seed in range(12)]
    tasks.append(make("ray_faults:HangsOnce", params={"note": str(notes / "hangs")}, **LIMITS))
    tasks += [make("Steady", seed=seed, **LIMITS) for seed in range(12, 24)]
    tasks.append(make("ray_faults:KillsItsActorOnce", params={"note": str(notes / "kills")}))
    return tasks


@pytest.fixture(scope="module")
def outcomes(cluster, tasks):
    """A sweep with every fault in it; the node on which one task hangs is killed meanwhile."""
    note = next(Path(task.params["note"]) for task in tasks if "HangsOnce" in task.algorithm)
    doomed = None
    came = []
    for task, result in run(tasks, address=cluster.address, data="ship"):
        came.append((task, result))
        if doomed is None and note.exists():
            raylet = int(note.read_text())
            doomed = next(node for node in cluster.worker_nodes if raylet_of(node) == raylet)
            cluster.remove_node(doomed, allow_graceful=False)
    assert doomed is not None
    return came


def raylet_of(node):
    return node.all_processes["raylet"][0].process.pid


def only(outcomes, name, seed=0):
    [result] = [
        result
        for task, result in outcomes
        if task.algorithm.endswith(f":{name}") and task.seed == seed
    ]
    return result


def test_every_task_comes_back_once_though_a_node_and_an_actor_were_killed(outcomes, tasks):
    assert len(tasks) > 30
    assert Counter(task.id for task, _ in outcomes) == Counter(task.id for task in tasks)


@pytest.mark.parametrize("name", ["HangsOnce", "KillsItsActorOnce"])
def test_a_task_whose_node_was_lost_is_done_again(outcomes, name):
    result = only(outcomes, name)
    assert (result.status, result.tries) == ("ok", 2)


def test_only_what_was_lost_is_tried_again(outcomes):
    assert [result.tries for _, result in outcomes if result.tries > 1] == [2, 2]


def test_faults_of_a_task_cost_one_try_and_have_the_status_that_they_have_here(outcomes, bundle):
    make = task_maker(bundle)
    tasks = [make(name, **LIMITS) for name in FAULTS]
    tasks += [make("Hangs", time_limit_s=1.0), make("Steady", **LIMITS)]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE))
        here = {task.algorithm.partition(":")[2]: result for task, result in local.run(tasks)}
    for name, result in here.items():
        there = only(outcomes, name)
        assert (there.status, there.tries) == (result.status, 1), name
        assert there.error[:12] == result.error[:12], name  # "killed by SI..."
        assert there.metrics == result.metrics, name
        assert there.standard_errors == result.standard_errors, name
    assert here["Steady"].status == "ok"


def test_the_bundle_was_sent_and_is_kept_under_its_hash(outcomes, cluster, bundle):
    folder = Path(os.environ["TMPDIR"]) / f"recmeta-bundles-{os.getuid()}"
    assert [file.name for file in folder.iterdir()] == [bundle.key]


def test_no_fit_outlives_its_driver(outcomes, cluster, bundle, tmp_path):
    note = tmp_path / "note"
    task = task_maker(bundle)("StartsOthers", params={"note": str(note)})
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        from recmeta.execution.ray import run
        from recmeta.execution.task import Task
        next(run([Task.from_json({task.to_json()!r})], address={cluster.address!r}))
        """)
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, str(script)], env=environment) as driver:
        assert wait_for(lambda: note.exists() and len(note.read_text().split()) == 2, 60.0)
        pids = [int(pid) for pid in note.read_text().split()]
        assert all(is_alive(pid) for pid in pids)
        driver.send_signal(signal.SIGKILL)
        driver.wait(10)
    assert wait_for(lambda: not any(is_alive(pid) for pid in pids), 20.0)


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


class Gone:
    """Ray's module, for a cluster that has one node whose actor never starts."""

    def nodes(self):
        return [{"NodeID": "n", "NodeManagerHostname": "h", "Alive": True, "Resources": {"CPU": 2}}]


def test_a_node_that_fails_three_times_is_left_out_and_the_reason_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", Gone())
    monkeypatch.setattr(Cluster, "_start", lambda self, node_id, host, slots: started.append(slots))
    started: list[int] = []
    cluster = Cluster(None, 1, "auto")
    cluster._look()
    cluster.faults["n"] = ["h: numpy is too old"] * MAX_FAULTS
    with pytest.raises(ClusterError, match="no node can do tasks:\nh: numpy is too old"):
        cluster._look()
    assert started == [2]
