"""The child's side of a task, in this process."""

import json
import os

import pytest

from recmeta.execution import _zygote
from recmeta.execution.task import Result


def test_a_part_that_cannot_be_written_is_no_fault_of_the_algorithm(
    make_task, tmp_path, monkeypatch
):
    wrote, replace = [], os.replace

    def fails_at_first(source, target):
        wrote.append(target)
        if len(wrote) == 1:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails_at_first)
    _zygote._work(json.loads(make_task("Steady").to_json()), str(tmp_path / "1"))
    result = Result.from_json((tmp_path / "1").read_text(encoding="utf-8"))
    assert (result.status, result.error, len(wrote)) == ("ok", "", 3)
    assert set(result.metrics) == {"validation", "test"}


def test_a_result_that_cannot_be_written_is_an_error_of_the_system(make_task, tmp_path):
    with pytest.raises(FileNotFoundError):
        _zygote._work(json.loads(make_task("Steady").to_json()), str(tmp_path / "none" / "1"))
