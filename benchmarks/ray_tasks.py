"""What a driver of a Ray cluster and a results store take: the measurements behind docs/scale.md.

    python benchmarks/ray_tasks.py [stores node tasks travel echo] [--tasks 400] [--echoes 4000]

One cluster of two raylets on this machine. "echo" nodes answer each task at once with a real result
(both parts, all metrics), so that what is left is Ray, JSON and the driver.
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import ray
from ray.cluster_utils import Cluster

from recmeta.data import Interactions
from recmeta.datasets.splits import random_holdout
from recmeta.execution import _ray_cluster, local
from recmeta.execution import ray as ray_executor
from recmeta.execution._ray_node import NodeWorkers
from recmeta.execution.bundle import Bundle, write_bundle
from recmeta.execution.fit import fit_one
from recmeta.execution.shipping import pack, unpack
from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store
from recmeta.experiments.transfer import merge

MIB = 2**20
LARGE = 50_000  # slots of both echo nodes at most: only numbers to Ray
PARTS = ("stores", "node", "tasks", "travel", "echo")
VECTORS = ("ndcg@10", "recall@10", "mrr@10")


def log(n_users: int, n_items: int, share: float, folder: Path) -> Bundle:
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((n_users, n_items), dtype=np.float32) < share)
    data = Interactions(
        users=np.array([f"u{u}" for u in range(n_users)], dtype=object),
        items=np.array([f"i{i}" for i in range(n_items)], dtype=object),
        user_rows=users.astype(np.int32),
        item_columns=items.astype(np.int32),
        name="drawn",
    )
    start = time.perf_counter()
    bundle = write_bundle(random_holdout(data, seed=0), folder)
    if len(users) > 1e6:
        row(f"a log of {len(users):,} interactions split and written", f"{since(start):.1f} s")
    return bundle


def task(bundle: Bundle, seed: int = 0, per_user: tuple[str, ...] = ()) -> Task:
    return Task(
        bundle=str(bundle.path),
        dataset=bundle.dataset,
        data_key=bundle.key,
        split=bundle.split,
        algorithm="TopPopular",
        seed=seed,
        time_limit_s=60.0,
        per_user=per_user,
    )


class Silent:
    """Never answers."""

    async def wait(self) -> None:
        await asyncio.sleep(3600)


class Echo(NodeWorkers):
    """Says of each task at once what it was told to say."""

    async def ready(self) -> str:
        text = await super().ready()
        self.said = Path(os.environ["RECMETA_ECHO"]).read_text(encoding="utf-8")
        return text

    async def begin(self, n: int, task: str, seconds_left: float | None, packed: object) -> None:
        self._say(n, "done", self.said)


def timed(work: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the fastest run."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def own_pid() -> int:
    return os.getpid()


def since(start: float) -> float:
    return time.perf_counter() - start


def rate(outcomes: Iterator[tuple[Task, Result]], skip: int) -> tuple[float, float, int]:
    """Wall and processor seconds a task of this process after the first ``skip``; and how many."""
    for _ in range(skip):
        next(outcomes)
    wall, cpu = time.perf_counter(), time.process_time()
    n = sum(1 for _ in outcomes)
    return (time.perf_counter() - wall) / n, (time.process_time() - cpu) / n, n


def resident(pid: int) -> float:
    """Proportional set size, MiB: pages that several processes share are divided among them."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def row(what: str, value: str) -> None:
    print(f"| {what} | {value} |", flush=True)


def executors(address: str, bundle: Bundle, n: int) -> None:
    tasks = [task(bundle, seed) for seed in range(n)]
    for name, outcomes in (
        ("local.run", local.run(tasks, workers=2)),
        ("ray.run", ray_executor.run(tasks, address=address, workers=2)),
    ):
        wall, cpu, _ = rate(outcomes, 20)
        row(f"{name}, 2 slots, smallest real tasks", f"{1 / wall:.1f} tasks/s")
        row(f"{name}, driver's processor", f"{1e3 * cpu:.2f} ms a task")


def echoes(address: str, bundle: Bundle, n: int) -> None:
    for slots in (2, 64, 1000, 10_000):
        n_tasks = max(n, 2 * slots)
        tasks = (task(bundle, seed) for seed in range(n_tasks))
        outcomes = ray_executor.run(tasks, address=address, workers=slots)
        wall, cpu, _ = rate(outcomes, n_tasks // 4)
        row(
            f"echo, {slots:,} slots",
            f"{1 / wall:,.0f} tasks/s, driver's processor {1e3 * cpu:.2f} ms a task",
        )


def stores(folder: Path, made: Result, with_vectors: Result, bundle: Bundle, n: int) -> None:
    for name, result in (("no vectors", made), (f"{len(VECTORS)} vectors", with_vectors)):
        file = folder / f"{len(name)}.sqlite"
        with Store(file) as store:
            cpu, start = time.process_time(), time.perf_counter()
            for seed in range(n):
                store.add(task(bundle, seed), result)
            wall, cpu = time.perf_counter() - start, time.process_time() - cpu
        size = sum(one.stat().st_size for one in folder.glob(f"{file.name}*"))
        speed = f"{n / wall:,.0f} rows/s, {1e3 * cpu / n:.2f} ms processor"
        row(f"Store.add, {name}", f"{speed}, {size / n:,.0f} bytes a row")
        with Store(file) as store, Store(folder / f"{len(name)}-all.sqlite") as into:
            seconds = timed(lambda one=store, all_=into: merge([one], all_), 1)
        row(f"recmeta store merge, {name}", f"{n / seconds:,.0f} rows/s")


class Deaf:
    """An actor that nothing is sent to."""

    class begin:
        @staticmethod
        def remote(*arguments: object) -> None:
            pass


def choice(n_nodes: int, bundle: Bundle) -> float:
    """Seconds a task in which the driver looks for a node of 64 slots, half of all busy."""
    chosen = _ray_cluster.Cluster(None, 1, "auto")
    for n in range(n_nodes):
        chosen.nodes[str(n)] = _ray_cluster._Node(str(n), "", 64, Deaf(), None, True, True)
    attempt = _ray_cluster.Attempt(task(bundle))
    n_tasks = 32 * n_nodes

    def fill() -> None:
        for _ in range(n_tasks):
            if chosen.has_free_slot():
                chosen.begin(attempt, None)

    return timed(fill, 1) / n_tasks


def travel(folder: Path, address: str) -> None:
    bundle = log(40_000, 4_000, 0.01, folder / "large")
    packed = pack(bundle.path)
    size = packed.nbytes / MIB
    cache = folder / "cache"
    cache.mkdir()

    def arrive() -> None:
        unpack(packed, bundle.key, cache)

    row("its bundle", f"{size:.0f} MiB")
    row("pack", f"{size / timed(lambda: pack(bundle.path), 3):,.0f} MiB/s")
    row("unpack and verify", f"{size / timed(arrive, 3):,.0f} MiB/s")
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    worker = ray.remote(own_pid)
    row("a Ray worker that does nothing", f"{resident(ray.get(worker.remote())):.0f} MiB (PSS)")
    row("157 nodes: one of them chosen", f"{1e3 * choice(157, bundle):.2f} ms a task")
    for n_nodes in (2, 157):
        silent = ray.remote(Silent).options(max_concurrency=n_nodes).remote()
        waiting = [silent.wait.remote() for _ in range(n_nodes)]
        ms = 1e3 * timed(lambda refs=waiting: ray.wait(refs, timeout=0))
        row(f"ray.wait for one of {n_nodes} nodes", f"{ms:.2f} ms")
    row("ray.put", f"{size / timed(lambda: ray.put(packed), 2):,.0f} MiB/s")
    ray.shutdown()


async def one_node() -> None:
    """What a node holds: an actor's process stands beside, Ray's own is not in it."""
    start = time.perf_counter()
    node = NodeWorkers(1, "auto")
    await node.ready()
    row("a node's zygote is ready after", f"{since(start):.1f} s")
    children = Path(f"/proc/{node.pool.process.pid}/task/{node.pool.process.pid}/children")
    [zygote] = children.read_text().split()
    row("a node's zygote, alone", f"{resident(int(zygote)):.0f} MiB (PSS)")
    await node.stop()


def sizes(folder: Path, bundle: Bundle) -> tuple[Result, Result]:
    """A real result without and one with vectors over users."""
    users = log(10_000, 200, 0.05, folder / "users")
    made, with_vectors = fit_one(task(bundle)), fit_one(task(users, per_user=VECTORS))
    text = made.to_json()
    row("metrics of a result", f"{sum(len(values) for values in made.metrics.values())}")
    row("a task as JSON", f"{len(task(bundle).to_json()):,} bytes")
    row("a result as JSON", f"{len(text):,} bytes")
    n_users = sum(with_vectors.n_users.values())
    what = f"a result with {len(VECTORS)} vectors over {n_users:,} users (both parts)"
    row(what, f"{len(with_vectors.to_json()):,} bytes")
    row("Result.from_json", f"{1e3 * timed(lambda: Result.from_json(text)):.2f} ms")
    long = with_vectors.to_json()
    row("the same with the vectors", f"{1e3 * timed(lambda: Result.from_json(long)):.2f} ms")
    ids = timed(lambda: [task(bundle, seed).id for seed in range(1000)])
    row("a task made, with its id", f"{ids:.3f} ms")
    return made, with_vectors


@contextlib.contextmanager
def cluster(n_cpus: int) -> Iterator[str]:
    """A head without processors and two nodes; its address."""
    quiet = {"include_dashboard": False, "object_store_memory": 300 * MIB}
    start = time.perf_counter()
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **quiet})
    for _ in range(2):
        made.add_node(num_cpus=n_cpus, object_store_memory=100 * MIB)
    row("three raylets have started after", f"{since(start):.1f} s")
    try:
        yield made.address
    finally:
        made.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--tasks", type=int, default=400)
    parser.add_argument("--echoes", type=int, default=4000)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, Ray {ray.__version__}")
    print("| what | measured |\n|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = log(200, 60, 0.2, folder / "small")
        made, with_vectors = sizes(folder, bundle)
        if "stores" in options.parts:
            stores(folder, made, with_vectors, bundle, 1000)
        if "node" in options.parts:
            asyncio.run(one_node())
        if {"tasks", "travel"} & {*options.parts}:
            with cluster(1) as address:
                if "tasks" in options.parts:
                    executors(address, bundle, options.tasks)
                if "travel" in options.parts:
                    travel(folder, address)
        if "echo" in options.parts:
            echo = folder / "echo"
            echo.write_text(made.to_json(), encoding="utf-8")
            os.environ["RECMETA_ECHO"] = str(echo)
            _ray_cluster.NodeWorkers = Echo
            with cluster(LARGE // 2) as address:
                echoes(address, bundle, options.echoes)


if __name__ == "__main__":
    main()
