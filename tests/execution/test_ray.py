"""A real cluster of several raylets on this machine; one is killed while a sweep runs on it."""

import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

from recmeta.execution import local
from recmeta.execution.ray import run

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
