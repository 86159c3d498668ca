"""A real cluster of several raylets on this machine; one is killed while a sweep runs on it."""

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recmeta.cli import app
from recmeta.execution._ray_cluster import MAX_FAULTS, PLACING_S, Attempt, Cluster, Lost, _Node
from recmeta.execution.fit import fit_one
from recmeta.execution.local import RETRIES
from recmeta.execution.ray import ClusterError, _Driver, run
from recmeta.execution.task import Result
from recmeta.registry import MissingExtraError

from .conftest import task_maker
from .test_local import is_alive, wait_for

ray = pytest.importorskip("ray")

MIB = 2**20
HERE = Path(__file__).parent
SHOP = HERE.parent.parent / "examples" / "shop.csv"
FAULTS = (  # as test_local.py has them
    ("Raises", "error", "ZeroDivisionError: the divisor was"),
    ("Hogs", "oom", "Unable to allocate"),
    ("IsTooLarge", "oom", "refused by cost()"),
    ("Segfaults", "error", "killed by SIGSEGV"),
    ("Exits", "error", "ended with code 3 and no result"),
    ("Hangs", "timeout", "stopped after 1."),
)
LIMITS = {"time_limit_s": 30.0, "memory_bytes": 300 * MIB}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A head without processors, as large clusters have it, and two nodes of one each."""
    from ray.cluster_utils import Cluster

    # the paths of sockets, which Ray makes there, must be short
    short = tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True)
    with short as sockets, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE))  # of the nodes
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("node")))
        patch.setenv("RAY_TMPDIR", sockets)
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
    seconds = {"timeout": 1.0}
    tasks = [
        make(name, **LIMITS | {"time_limit_s": seconds.get(status, 30.0)})
        for name, status, _ in FAULTS
    ]
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


@pytest.mark.parametrize(("name", "status", "said"), FAULTS)
def test_a_fault_of_a_task_costs_one_try_and_is_told_as_on_one_machine(
    outcomes, name, status, said
):
    result = only(outcomes, name)
    assert (result.status, result.tries) == (status, 1)
    assert said in result.error


def test_the_numbers_are_those_of_a_fit_in_this_process(outcomes, bundle, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    here = fit_one(task_maker(bundle)("Steady"))
    there = only(outcomes, "Steady")
    assert (here.status, there.status) == ("ok", "ok")
    assert there.metrics == here.metrics
    assert there.standard_errors == here.standard_errors


def test_the_bundle_was_sent_and_is_kept_under_its_hash(outcomes, cluster, bundle):
    folder = Path(os.environ["TMPDIR"]) / f"recmeta-bundles-{os.getuid()}"
    assert [file.name for file in folder.iterdir()] == [bundle.key]


def test_the_command_line_sweeps_on_the_cluster_into_a_store_here(outcomes, cluster, tmp_path):
    from recmeta.experiments.store import Store

    store = tmp_path / "sweep.sqlite"
    command = ["sweep", "--datasets", str(SHOP), "--algorithms", "TopPopular,Random"]
    command += ["--configs", "0", "--executor", cluster.address, "--data", "shared"]
    done = CliRunner().invoke(app, [*command, "--store", str(store)])
    assert done.exit_code == 0, done.output
    with Store(store) as results:
        rows = results.frame(["ndcg@10"])
    assert sorted(rows["algorithm"]) == ["Random", "TopPopular"]
    assert set(rows["status"]) == {"ok"}
    assert (rows["test:ndcg@10"] > 0).all()


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
        assert wait_for(lambda: note.exists() and len(note.read_text().split()) == 2, 120.0)
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
