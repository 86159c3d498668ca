"""``recmeta sweep``: studies in files, options over them, dry runs, and what it shows."""

import io
import json
import time

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from recmeta.algorithms import all_algorithms
from recmeta.cli import progress as shown
from recmeta.datasets import sampling
from recmeta.datasets.synthetic import generate
from recmeta.execution.task import STATUSES, Result, Task
from recmeta.experiments.store import Store
from recmeta.experiments.sweep import Event, Progress

STUDY = """
datasets = ["a.csv", "b.csv"]
algorithms = ["EASE", "PureSVD"]
kind = "sobol"
configs = 2
seeds = 2
"""
TASK = Task("/b", "shop", "k", "random_holdout", "EASE", {"l2": 1.0})


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        users, items = np.nonzero(rng.random((50, 30)) < 0.3)
        pd.DataFrame({"user": users, "item": items}).to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def test_a_dry_run_counts_the_tasks_of_a_study_and_makes_no_store(run, folder):
    code, out, err = run("sweep", "--plan", "study.toml", "--dry-run", "--json", "-j", "2")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [one["dataset"] for one in found["problems"]] == ["a", "b"]
    assert [one["n_tasks"] for one in found["problems"]] == [12, 12]
    assert found["workers"] == 2
    assert found["seconds"] >= sum(one["seconds"] for one in found["problems"]) / 2 > 0
    assert not (folder / "sweep.sqlite").exists()
    assert not (folder / "sweep.sqlite.cache").exists()


def test_options_are_over_the_study(run, folder):
    options = (
        "--seeds",
        "1",
        "--kind",
        "default",
        "--datasets",
        "b.csv",
        "--split",
        "random,users",
    )
    code, out, _ = run("sweep", "--plan", "study.toml", *options, "--dry-run", "--json")
    assert code == 0
    found = json.loads(out)["problems"]
    assert [(one["dataset"], one["n_tasks"]) for one in found] == [("b", 2), ("b", 2)]
    assert len({one["split"] for one in found}) == 2


def test_a_dry_run_for_a_person_has_a_line_a_data_set_and_one_in_all(run, folder):
    with Store(folder / "sweep.sqlite") as store:
        store.add(TASK, Result("ok", fit_s=1.0, total_s=2.0))
    code, out, _ = run("sweep", "--plan", "study.toml", "--dry-run", "--memory", "1kB")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["data", "set", "split", "tasks", "done", "refused", "to", "run", "time"]
    assert lines[1][:6] == ["a", "random_holdout", "12", "0", "12", "0"]
    assert lines[3][:6] == ["in", "all", "24", "0", "24", "0"]
    assert out.splitlines()[-1].startswith("0 tasks to run, about 0.00 s with 1 worker;")
    assert "What cost() says is without reading, compiling and starting." in out


def test_a_dry_run_says_what_its_seconds_are_from(run, folder):
    command = ("sweep", "--algorithms", "EASE", "--kind", "default")
    assert run(*command, "--datasets", "a.csv")[0] == 0
    options = ("--algorithms", "EASE,PureSVD", "--configs", "1", "--datasets", "a.csv,b.csv")
    _, out, _ = run("sweep", *options, "--dry-run")
    assert "7 tasks to run, about " in out
    assert (
        "; 1 by earlier runs on the same log, 2 by cost() and how much longer or shorter "
        "their algorithm's runs on other logs took, 4 by cost() alone. What" in out
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--plan", "none.toml"), "none.toml"),
        (("--plan", "a.csv"), "a.csv is no TOML"),
        (("--kind", "best"), "kind must be one of default, random, sobol"),
        (("--fidelities", "half"), "not numbers: 'half'"),
        (("--fidelities", "2"), "fidelities must be in (0, 1]: got [2.0]"),
        (("--memory", "lots"), "not a size: 'lots'"),
        (("--time", "soon"), "not a time: 'soon'"),
        (("--stop-by", "ndgc@10"), "no metric is named 'ndgc'"),
        (("--kind", "grid", "--algorithms", "UserKNN"), "UserKNN: a grid of 6 levels has"),
        (("--split", "half"), "no split is named 'half'"),
        (("--datasets", "a.csv,a.csv"), "two data sets have the name a"),
    ],
)
def test_what_cannot_be_run_is_code_2_and_says_why(run, folder, arguments, said):
    if "--datasets" not in arguments:
        arguments = (*arguments, "--datasets", "a.csv")
    code, _, err = run("sweep", *arguments, "--dry-run")
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_a_study_runs_with_its_curves_and_its_users(run, folder):
    options = ("--algorithms", "IALS", "--kind", "default", "--datasets", "a.csv", "--seeds", "1")
    options += ("--curves", "ndcg@10", "--keep-users", "ndcg@10", "--json")
    code, out, err = run("sweep", "--plan", "study.toml", *options)
    assert code == 0, err
    events = [json.loads(line) for line in out.splitlines()]
    assert [one["event"] for one in events] == ["begin", "dataset", "start", "run", "end"]
    assert (events[2]["algorithm"], events[2]["try"]) == ("IALS", 1)
    with Store(folder / "sweep.sqlite") as store:
        curve = store.curve(events[3]["id"])
        users = store.vector(events[3]["id"], "ndcg@10", "validation")
    assert curve["epochs"][-1] == all_algorithms()["IALS"]().n_epochs
    assert curve["values"][-1] == pytest.approx(np.nanmean(users), rel=1e-2)


def test_the_line_of_a_data_set_says_what_the_cap_did(run, folder):
    log = generate(2000, 40, 9000, seed=0)
    pairs = {"user": log.users[log.user_rows], "item": log.items[log.item_columns]}
    pd.DataFrame(pairs).to_csv(folder / "large.csv", index=False)
    command = ("sweep", "--algorithms", "TopPopular", "--kind", "default", "--max-events", "200")
    _, _, err = run(*command, "--datasets", "a.csv,large.csv")
    a, large = (line for line in err.splitlines() if "split random" in line)
    assert a.endswith(", more than 200 events, but so few as 1,500 users are all kept")
    assert large.startswith("large: 1,500 users, ")
    assert large.endswith(
        f", cut from {log.n_events:,} events to whole users; 1,500 users are the least"
    )
    _, _, err = run(*command, "--datasets", "a.csv", "--max-events", "0")
    assert any(line.endswith("split random_holdout") for line in err.splitlines())
    assert shown.LEAST_USERS == sampling.MIN_USERS


def test_a_sweep_in_which_no_task_ended_ok_is_code_5_also_when_it_is_gone_on_with(run, folder):
    command = ("sweep", "--algorithms", "EASE", "--kind", "default", "--datasets", "a.csv")
    for _ in range(2):
        code, _, err = run(*command, "--memory", "10")
        assert code == 5
        assert "no task ended ok" in err
    assert run(*command)[0] == 0
    code, out, _ = run("sweep", "--help")
    assert "or no task ended ok" in " ".join(out.split())


def test_curves_and_users_asked_for_later_are_said_and_done_again_on_request(run, folder):
    command = ("sweep", "--algorithms", "IALS,EASE", "--kind", "default", "--datasets", "a.csv")
    assert run(*command)[0] == 0
    asked = (*command, "--curves", "ndcg@10")
    code, _, err = run(*asked)
    assert code == 0
    assert err.splitlines()[-1] == (  # EASE has no epochs
        "1 run of the store without the curve or the scores of each user asked for: "
        "--retry-missing does what lacks them again"
    )
    _, out, _ = run(*asked, "--retry-missing", "--dry-run", "--json")
    assert json.loads(out)["problems"][0]["n_done"] == 1
    _, out, err = run(*asked, "--keep-users", "ndcg@10", "--json")
    assert json.loads(out.splitlines()[-1])["missing"] == 2
    code, _, err = run(*asked, "--keep-users", "ndcg@10", "--retry-missing")
    assert (code, "2 of 2 tasks (0 resumed) | ok 2" in err) == (0, True)
    with Store(folder / "sweep.sqlite") as store:
        ids = store.frame().set_index("algorithm")["id"]
        assert store.curve(ids["IALS"])["epochs"]
        assert all(len(store.vector(id_, "ndcg@10", "validation")) for id_ in ids)
    _, _, err = run(*asked, "--keep-users", "ndcg@10", "--retry-missing")
    assert "2 of 2 tasks (2 resumed) | ok 0" in err
    assert "--retry-missing" not in err


def rendered(view, width=100):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(view)
    return console.file.getvalue()


def test_the_view_of_a_terminal_has_outcomes_time_to_go_and_what_runs():
    progress = Progress(total=40, resumed=10, started=time.monotonic() - 10.0)
    progress.counts |= {"ok": 9, "timeout": 1}
    progress.running = {"x": (TASK, 100.0)}
    text = rendered(shown.view_of(progress, now=107.0))
    assert "20 of 40 tasks (10 resumed) | ok 9 timeout 1 oom 0 error 0" in text
    assert "ETA 20 s" in text
    assert "EASE  shop  7.0 s" in text


def test_many_running_tasks_are_cut_to_a_few_lines():
    progress = Progress(total=40)
    progress.running = {str(n): (TASK, 100.0) for n in range(20)}
    text = rendered(shown.view_of(progress, now=101.0))
    assert text.count("EASE") == shown.N_SHOWN
    assert "and 12 more" in text


def lines_of(capsys, result, detail):
    event = Event("run", "shop", detail, TASK, result)
    shown.LinePrinter().listen(event, Progress(total=1))
    return capsys.readouterr().err


def test_a_failed_task_is_a_line_with_its_reason_and_its_log(capsys):
    traceback = "Traceback (most recent call last):\n  here\nZeroDivisionError: no"
    said = lines_of(capsys, Result("error", error=traceback), {"log": "s.logs/x.txt"})
    assert said == "shop EASE: error: ZeroDivisionError: no (s.logs/x.txt)\n"
    killed = Result("error", error="killed by SIGSEGV; at most 9 MiB resident\nlast words")
    assert lines_of(capsys, killed, {}) == (
        "shop EASE: error: killed by SIGSEGV; at most 9 MiB resident\n"
    )
    assert lines_of(capsys, Result("ok"), {}) == ""


def test_of_the_refused_tasks_the_first_is_said_and_all_are_counted(capsys):
    shows, progress = shown.LinePrinter(), Progress(total=3)
    for _ in range(3):
        refused = Result("oom", error="refused by cost(): about 9 GB needed, 4 GB allowed")
        shows.listen(Event("run", "shop", {}, TASK, refused), progress)
    shows.end(progress)
    first, state, last = capsys.readouterr().err.splitlines()
    assert first == (
        "shop EASE: oom: refused by cost(): about 9 GB needed, 4 GB allowed; "
        "others are counted at the end"
    )
    assert state.startswith("0 of 3 tasks")
    assert last == "3 tasks were refused by cost() without a fit: more than --memory allows"


def test_another_try_is_said(capsys):
    for tries in (1, 2):
        event = Event("start", "shop", {"try": tries}, TASK)
        shown.LinePrinter().listen(event, Progress(total=1))
    assert capsys.readouterr().err == "shop EASE: begun again, try 2\n"


def test_resume_goes_on_in_a_store_that_is_there_and_refuses_to_make_one(run, folder):
    command = ("sweep", "--datasets", "a.csv", "--algorithms", "TopPopular", "--store", "go.sqlite")
    code, _, err = run(*command, "--resume")
    assert code == 2
    assert "no store at go.sqlite" in " ".join(err.split())
    assert not (folder / "go.sqlite").exists()
    assert run(*command)[0] == 0
    code, out, _ = run(*command, "--resume", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["counts"] == {"resumed": 1} | dict.fromkeys(STATUSES, 0)
