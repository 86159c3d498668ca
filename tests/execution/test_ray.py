"""A real cluster of several raylets on this machine; one is killed while a sweep runs on it."""

import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recmeta.cli import app
from recmeta.execution.fit import fit_one
from recmeta.execution.ray import run

from .conftest import task_maker
from .test_local import is_alive, wait_for

pytest.importorskip("ray")
# Ray leaves the logs of its client server open; they are collected as the fixture is made
LEFT_OPEN = "ignore:.*ray_client_server:pytest.PytestUnraisableExceptionWarning"
pytestmark = pytest.mark.filterwarnings(LEFT_OPEN)

MIB = 2**20
HERE = Path(__file__).parent
SHOP = HERE.parent.parent / "examples" / "shop.csv"
FAULTS = (  # as test_local.py has them
    ("Raises", "error", "ZeroDivisionError: the divisor was"),
    ("Hogs", "oom", "Unable to allocate"),
    ("IsTooLarge", "oom", "refused by cost()"),
    ("Segfaults", "error", "killed by SIGSEGV"),
    ("Exits", "error", "ended with code 3 and no result"),
    ("LeavesAsIfDone", "error", "ended with code 0 and no result"),
    ("Hangs", "timeout", "stopped after 1."),
    ("CompilesLong", "ok", ""),  # longer than its limit
)
LIMITS = {"time_limit_s": 30.0, "memory_bytes": 300 * MIB}


@pytest.fixture(scope="module")
def client_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def cluster(client_port, tmp_path_factory):
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
        head = {"num_cpus": 0, "ray_client_server_port": client_port, **small}
        made = Cluster(initialize_head=True, head_node_args=head)
        gc.collect()
        for _ in range(2):
            made.add_node(num_cpus=1, wait=False, **small)
        made.wait_for_nodes()
        yield made
        made.shutdown()


@pytest.fixture(scope="module")
def tasks(bundle, tmp_path_factory):
    make = task_maker(bundle)
    notes = tmp_path_factory.mktemp("notes")
    seconds = {"Hangs": 1.0, "CompilesLong": 1.0}
    tasks = [
        make(name, **LIMITS | {"time_limit_s": seconds.get(name, 30.0)}) for name, *_ in FAULTS
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
    done = CliRunner().invoke(app, sweep(cluster.address, tmp_path / "sweep.sqlite"))
    assert done.exit_code == 0, done.output
    assert_swept(tmp_path / "sweep.sqlite")


def test_it_does_so_through_the_client_server_of_the_head(outcomes, cluster, client_port, tmp_path):
    address = f"ray://{cluster.address.partition(':')[0]}:{client_port}"
    command = [sys.executable, "-c", "from recmeta.cli import main; main()"]
    command += sweep(address, tmp_path / "sweep.sqlite")
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_swept(tmp_path / "sweep.sqlite")


def sweep(address, store):
    command = ["sweep", "--datasets", str(SHOP), "--algorithms", "TopPopular,Random"]
    command += ["--configs", "0", "--executor", address, "--data", "shared"]
    return [*command, "--store", str(store)]


def assert_swept(store):
    from recmeta.experiments.store import Store

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
