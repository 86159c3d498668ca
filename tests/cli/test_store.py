"""``recmeta store``: what the commands do to files, say, and return."""

import json

import pytest

from recmeta.execution.task import Result, Task
from recmeta.experiments.store import Store


@pytest.fixture
def stores(tmp_path):
    """Two stores of three runs, one of which both have."""
    paths = [tmp_path / "one.sqlite", tmp_path / "two.sqlite"]
    for first, path in enumerate(paths):
        with Store(path) as store:
            for seed in range(2 * first, 2 * first + 3):
                task = Task("/b", "shop", "k", "random", "EASE", {"l2": 1.0}, seed)
                metrics = {part: {"ndcg@10": 0.25} for part in ("validation", "test")}
                store.add(task, Result("ok", metrics=metrics))
    return paths


@pytest.mark.parametrize("keep", ["all", "best"])
def test_a_store_goes_to_parquet_and_back(run, stores, tmp_path, keep):
    code, out, _ = run("store", "export", stores[0], "--out", tmp_path / "out", "--keep", keep)
    assert code == 0
    assert "runs.parquet" in out
    new = tmp_path / "new.sqlite"
    code, out, _ = run("store", "import", tmp_path / "out", "--store", new)
    assert (code, out) == (0, f"{new}: 3 runs taken\n")
    code, out, _ = run("store", "import", tmp_path / "out", "--store", new, "--json")
    assert (code, json.loads(out)["taken"]) == (0, 0)
    boards = [run("leaderboard", path, "--json")[1] for path in (stores[0], new)]
    assert boards[0] == boards[1]
    assert run("store", "check", new) == (0, f"{new} is sound: 3 runs\n", "")


def test_what_was_written_is_listed_for_programs(run, stores, tmp_path):
    code, out, _ = run("store", "export", stores[0], "-o", tmp_path / "out", "--json")
    assert code == 0
    sizes = json.loads(out)["bytes"]
    assert sizes == {name: (tmp_path / "out" / name).stat().st_size for name in sizes}


def test_stores_are_merged(run, stores, tmp_path):
    into = tmp_path / "into.sqlite"
    code, out, _ = run("store", "merge", *stores, "--into", into)
    assert (code, out) == (0, f"{into}: 5 runs taken\n")


def test_what_is_wrong_is_a_line_each_and_a_code(run, stores):
    with Store(stores[0]) as store:
        store.connection.execute("UPDATE run SET seed = seed + 10")
    code, out, _ = run("store", "check", stores[0])
    assert code == 3
    assert len(out.splitlines()) == 3
    assert all("is not the hash of what it was asked" in line for line in out.splitlines())
    code, out, _ = run("store", "check", stores[0], "--json")
    assert (code, len(json.loads(out)["findings"])) == (3, 3)


@pytest.mark.parametrize(
    "command", [("export", "none.sqlite", "-o", "x"), ("check", "none.sqlite"),
                ("merge", "none.sqlite", "--into", "x.sqlite")],
)  # fmt: skip
def test_a_store_that_is_not_there_is_code_2_and_none_is_made(run, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    code, _, err = run("store", *command)
    assert code == 2
    assert "no store at none.sqlite" in err
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def damaged(stores):
    """A store whose second half was lost on the way."""
    whole = stores[0].read_bytes()
    path = stores[0].with_name("damaged.sqlite")
    path.write_bytes(whole[: len(whole) // 2])
    return path


def test_a_damaged_store_is_a_line_with_what_to_do(run, damaged):
    code, out, err = run("leaderboard", damaged)
    assert (code, out, len(err.splitlines())) == (3, "", 1)
    assert f"`recmeta store check {damaged}`" in err
    code, out, err = run("store", "check", damaged)
    assert (code, err) == (3, "")
    assert "malformed" in out
    damaged.write_bytes(b"")
    assert run("store", "check", damaged) == (3, "the file is empty\n", "")


def test_damage_that_is_met_while_reading_is_said_alike(run, tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        for seed in range(400):
            task = Task("/b", "shop", "k", "random", "EASE", {"l2": 1.0}, seed)
            store.add(task, Result("ok", metrics={"test": {"ndcg@10": 0.5}}))
    pages = bytearray(path.read_bytes())
    pages[len(pages) // 3 : -4096] = b"\xff" * (len(pages) - len(pages) // 3 - 4096)
    path.write_bytes(pages)
    code, _, err = run("leaderboard", path, "--metric", "ndcg@10")
    assert (code, len(err.splitlines())) == (3, 1)
    assert "is damaged" in err


def test_a_merge_of_what_is_no_store_leaves_no_empty_one(run, stores, damaged, tmp_path):
    before = sorted(tmp_path.iterdir())
    text = tmp_path / "text.sqlite"
    text.write_text("no database, but long enough to be looked at")
    for bad, expected in ((damaged, 3), (text, 2)):
        code, _, err = run("store", "merge", bad, "--into", tmp_path / "into.sqlite")
        assert (code, len(err.splitlines())) == (expected, 1)
    assert sorted(tmp_path.iterdir()) == sorted([*before, text])
    run("store", "merge", stores[0], "--into", tmp_path / "into.sqlite")
    assert run("store", "merge", bad, "--into", tmp_path / "into.sqlite")[0] == 2
    with Store(tmp_path / "into.sqlite") as store:
        assert len(store.frame(())) == 3


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("export", "one.sqlite", "--out", "two.sqlite"), "two.sqlite is a file; name a folder"),
        (("export", "one.sqlite", "--out", "two.sqlite/x"), "is a file; name a folder"),
        (("merge", "one.sqlite", "--into", "."), ". is a folder; name a file"),
        (("check", "."), ". is a folder, not a store"),
    ],
)
def test_a_file_for_a_folder_is_said_in_plain_words(run, stores, monkeypatch, command, said):
    monkeypatch.chdir(stores[0].parent)
    code, _, err = run("store", *command)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())


def test_a_folder_that_is_no_export_is_code_2_and_no_store_is_made(run, tmp_path):
    code, _, err = run("store", "import", tmp_path, "--store", tmp_path / "x.sqlite")
    assert code == 2
    assert "no exported store in" in err
    assert list(tmp_path.iterdir()) == []


def test_runs_are_forgotten_whole_and_the_rest_is_sound(run, stores):
    path = stores[0]
    with Store(path) as store:
        late = Task("/b", "shop", "k", "random", "SLIM", {"alpha": 1.0})
        store.add(late, Result("timeout", error="late", metrics={"validation": {"ndcg@10": 0.1}}))
        store.add(Task("/b", "shop", "k", "random", "SLIM", {"alpha": 2.0}), Result("error"))
    out = f"{path}: 1 run forgotten (1 timeout)\n"
    asked = ("store", "forget", path, "--algorithms", "IALS, SLIM", "--status", "timeout,oom")
    assert run(*asked) == (0, out, "")
    assert run(*asked) == (0, f"{path}: 0 runs forgotten\n", "")
    assert run("store", "check", path) == (0, f"{path} is sound: 4 runs\n", "")
    code, out, _ = run("store", "forget", path, "--datasets", "shop", "--json")
    assert (code, json.loads(out)["forgotten"]) == (0, {"error": 1, "ok": 3})
    with Store(path) as store:
        tables = ("run", "measured", "score", "vector", "curve")
        sizes = [store.connection.execute(f"SELECT count(*) FROM {name}") for name in tables]
        assert [size.fetchone()[0] for size in sizes] == [0] * 5


def test_nothing_is_forgotten_without_a_word_of_what(run, stores):
    code, _, err = run("store", "forget", stores[0])
    assert code == 2
    assert "it removes for good" in " ".join(err.replace("│", " ").split())
    code, _, err = run("store", "forget", stores[0], "--status", "late")
    assert code == 2
    assert "not one of ok, timeout, oom, error: late" in " ".join(err.replace("│", " ").split())
    assert run("store", "forget", stores[0].with_name("no.sqlite"), "--status", "oom")[0] == 2
    assert run("store", "check", stores[0])[1].endswith("is sound: 3 runs\n")


@pytest.mark.parametrize("wanted", [{}, {"status": "error"}, {"statuses": ["error"]}])
def test_a_store_forgets_by_lists_of_what_runs_have(stores, wanted):
    with Store(stores[0]) as store, pytest.raises(ValueError, match="got"):
        store.forget(**wanted)
    with Store(stores[0]) as store:
        assert len(store.frame()) == 3
