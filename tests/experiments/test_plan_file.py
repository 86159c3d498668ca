"""Studies in TOML: what is written is what is run, and what is wrong is said with its file."""

import numpy as np
import pandas as pd
import pytest

from recmeta.experiments import plan_file
from recmeta.experiments.plan_file import PlanError, Study, checked, read_study


@pytest.fixture
def study(tmp_path):
    """A text as the study file beside two logs."""
    rng = np.random.default_rng(0)
    (tmp_path / "logs").mkdir()
    for name in ("a", "b"):
        table = pd.DataFrame({"user": rng.integers(0, 9, 50), "item": rng.integers(0, 9, 50)})
        table.to_csv(tmp_path / "logs" / f"{name}.csv", index=False)

    def write(text):
        (tmp_path / "study.toml").write_text(text)
        return tmp_path / "study.toml"

    return write


def test_a_study_is_the_plan_that_it_says(study):
    file = study("""
        datasets = ["logs/a.csv", "other=logs/b.csv"]
        algorithms = ["EASE", "IALS"]
        kind = "sobol"
        configs = 3
        split = ["random", "time"]
        seed = 5
        seeds = 2
        fidelities = [0.5, 1]
        max_events = 0
        time = "2m"
        memory = "1GiB"
        keep_users = "ndcg@10"
        curves = "recall@20"
        scale = [1, 5]
        [[listed]]
        algorithm = "SLIM"
        alpha = 3.0
        """)
    plan = Study(**read_study(file)).plan()
    assert [source.name for source in plan.data.sources] == ["a", "other"]
    assert plan.data.sources[1].path == file.parent / "logs" / "b.csv"
    assert plan.data.sources[0].options["scale"] == (1.0, 5.0)
    assert (plan.data.splits, plan.data.max_events, plan.data.seed) == (("random", "time"), None, 5)
    assert (plan.seeds, plan.fidelities) == ((5, 6), (0.5, 1.0))
    assert (plan.limits.time_limit_s, plan.limits.memory_bytes) == (120.0, 2**30)
    assert (plan.per_user, plan.curve_by, plan.stop_by) == (("ndcg@10",), "recall@20", None)
    labels = [(one.algorithm, one.label) for one in plan.configurations]
    assert labels[:2] == [("EASE", "default"), ("EASE", "q1")]
    assert labels[-1] == ("SLIM", "l1")
    assert len(labels) == 2 * 4 + 1


def test_an_empty_study_is_what_the_command_does_by_itself(study):
    given = read_study(study("datasets = 'logs/a.csv'"))
    plan = Study(**given).plan()
    assert {one.label for one in plan.configurations} >= {"default", "s6"}
    assert (plan.data.max_events, plan.limits.time_limit_s) == (100_000, 60.0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("confgs = 3", "study.toml: no key is named 'confgs'; did you mean 'configs'?"),
        ("xyzzy = 3", "study.toml: no key is named 'xyzzy'; there are: datasets, root"),
        ("seeds = 'two'", "study.toml: seeds must be a whole number: got 'two'"),
        ("seeds = [1, 2]", r"study.toml: seeds must be a whole number: got \[1, 2\]"),
        ("seeds = true", "study.toml: seeds must be a whole number: got True"),
        ("split = [1]", r"study.toml: split must be a text \(or a list of them.*: got 1"),
        ("scale = 5", "study.toml: scale is the lowest and the highest rating"),
        ("listed = [{l2 = 1.0}]", "study.toml: each entry of listed needs the key algorithm"),
        ("seeds = ", "study.toml is no TOML: Invalid value"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(study, text, said):
    with pytest.raises(PlanError, match=said):
        read_study(study(text))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "best"}, "kind must be one of default, random, sobol, grid, portfolio, listed"),
        ({"kind": "listed"}, "the kind listed needs entries"),
        ({"fidelities": (0.0,)}, r"fidelities must be in \(0, 1\]: got \[0.0\]"),
        ({"parts": ("train",)}, "parts must be of validation, test: got"),
        ({"seeds": 0}, "seeds must be at least 1"),
        ({"keep_users": ("coverage_item@10",)}, "coverage_item@10 has no value for each user"),
        ({"stop_by": "novelty@10"}, "novelty@10 is not something to have most of"),
        ({"curves": "ndgc@10"}, "no metric is named 'ndgc'"),
        ({"stop_by": "ndcg@10", "parts": ("test",)}, "stop_by needs the part validation"),
        ({"time": "soon"}, "not a time: 'soon'"),
        ({"datasets": ("nowhere",)}, "no data set 'nowhere'"),
    ],
)
def test_what_cannot_be_run_is_said(given, said):
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        Study(**{"algorithms": ("EASE",)} | given).plan()


def test_every_key_is_in_the_documentation():
    assert all(f"{name}" in plan_file.__doc__ for name in Study.__dataclass_fields__)


def test_the_documented_study_is_one(study):
    body = plan_file.__doc__.partition("::\n")[2].partition("All keys")[0]
    given = read_study(study("\n".join(line[4:] for line in body.splitlines())))
    assert given["configs"] == 8
    assert given["listed"] == ({"algorithm": "EASE", "l2": 250.0},)


def test_a_single_value_will_do_for_a_list():
    assert checked("datasets", "a") == ("a",)
    assert checked("fidelities", 1) == (1.0,)
    assert checked("threshold", 3) == 3.0


def test_parts_are_run_in_one_order_since_validation_sets_the_length_of_training(study):
    file = study("""
        datasets = ["logs/a.csv"]
        algorithms = ["BPR"]
        parts = ["test", "validation"]
        stop_by = "ndcg@10"
        """)
    assert Study(**read_study(file)).plan().parts == ("validation", "test")
