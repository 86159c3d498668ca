"""1,000 tasks, 50 of them at fault, under a driver that is killed again and again."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter

import numpy as np
import pytest

from recmeta.experiments.store import Store

pytestmark = pytest.mark.faults

N_TASKS, N_KILLS = 1000, 4
INJECTED = {
    "Raises": 10,
    "HoldsTheInterpreter": 6,
    "AllocatesTenGiB": 10,
    "Segfaults": 8,
    "Exits": 6,
    "IsKilledAtFirst": 6,
    "KillsWhatStartedItAtFirst": 2,
    "IsKilled": 2,
}
STATUS = {
    "Steady": "ok",
    "Raises": "error",
    "HoldsTheInterpreter": "timeout",
    "AllocatesTenGiB": "oom",
    "Segfaults": "error",
    "Exits": "error",
    "IsKilledAtFirst": "ok",
    "KillsWhatStartedItAtFirst": "ok",
    "IsKilled": "error",
}
SAYS = {
    "Raises": "ZeroDivisionError: the divisor was",
    "HoldsTheInterpreter": "stopped after 10",
    "AllocatesTenGiB": "Unable to allocate 10.0 GiB",
    "Segfaults": "killed by SIGSEGV",
    "Exits": "ended with code 3 and no result",
    "IsKilled": "infrastructure fault, tried 3 times: killed by SIGKILL from outside",
}
SCRIPT = """
    from pathlib import Path
    import numpy as np
    from recmeta.experiments.configurations import Configuration
    from recmeta.experiments.plan import Limits, Plan
    from recmeta.experiments.sources import Preparation, find_sources
    from recmeta.experiments.store import Store
    from recmeta.experiments.sweep import Manner, sweep
    root = Path({root!r})
    names = [name for name, n in {injected!r}.items() for _ in range(n)]
    names += ["Steady"] * ({n_tasks} - len(names))
    found = []
    for number in np.random.default_rng(0).permutation(len(names)):
        params = {{"seconds": int(number) / 1e6}}
        if names[number].endswith("AtFirst"):
            params = {{"note": str(root / f"note-{{number}}")}}
        name = f"faulty_algorithms:{{names[number]}}"
        found.append(Configuration(name, params, f"l{{number}}"))
    def listen(event, progress):
        if event.kind == "run":
            print(event.task.id, flush=True)
    with Store(root / "s.sqlite") as store:
        progress = sweep(
            find_sources(["one"], root), Plan(tuple(found), limits=Limits(10.0, 300 * 2**20)),
            store, Preparation("random", 0, None, root / "cache"),
            manner=Manner(workers=2), listen=listen)
    print("end", progress.resumed, progress.finished, flush=True)
"""


def test_nothing_is_lost_nothing_is_there_twice_nothing_is_mislabelled(root, environment):
    script = root / "script.py"
    values = {"root": str(root), "injected": INJECTED, "n_tasks": N_TASKS}
    script.write_text(textwrap.dedent(SCRIPT).format(**values))
    command = [sys.executable, str(script)]
    pipes = {"env": environment, "stdout": subprocess.PIPE, "text": True}
    said: set[str] = set()
    finished: dict[str, float] = {}
    for n_rows in np.random.default_rng(1).integers(20, N_TASKS // N_KILLS, N_KILLS):
        with subprocess.Popen(command, **pipes) as driver:
            for _ in range(n_rows):
                said.add(driver.stdout.readline().strip())
            driver.send_signal(signal.SIGKILL)
            said |= {line.strip() for line in driver.stdout if line.endswith("\n")}
        with Store(root / "s.sqlite") as store:
            frame = store.frame()
        assert said <= set(frame["id"])  # what was said to be done is there
        now = frame.set_index("id")["finished_at"].to_dict()
        again = {id_ for id_, when in finished.items() if now[id_] != when}
        killed = frame["error"].str.startswith("infrastructure fault")
        assert again <= set(frame.loc[killed, "id"])  # only those are worth doing again
        finished = now
    done = subprocess.run(command, **pipes, check=True)
    resumed, rest = map(int, done.stdout.split("end ")[1].split())
    assert resumed + rest == N_TASKS
    assert len(finished) - INJECTED["IsKilled"] <= resumed <= len(finished)

    with Store(root / "s.sqlite") as store:
        frame = store.frame()
    names = frame["algorithm"].str.partition(":")[2]
    assert len(frame) == frame["id"].nunique() == N_TASKS
    n_steady = N_TASKS - sum(INJECTED.values())
    assert Counter(names) == Counter(INJECTED | {"Steady": n_steady})
    wrong = frame[names.map(STATUS) != frame["status"]]
    assert wrong.empty, wrong[["algorithm", "status", "error"]].to_string()
    for name, words in SAYS.items():
        assert frame.loc[names == name, "error"].str.contains(words, regex=False).all(), name
    ok = frame["status"] == "ok"
    assert frame.loc[ok, "test:ndcg@10"].nunique() == 1  # all rank by the item number
    assert frame.loc[~ok, "test:ndcg@10"].isna().all()
    check = sqlite3.connect(root / "s.sqlite").execute("PRAGMA integrity_check").fetchone()
    assert check == ("ok",)
    logs = {file.stem for file in (root / "s.sqlite.logs").iterdir()}
    assert logs == set(frame.loc[~ok, "id"])
