"""A machine that runs out of memory: the kernel ends the fit, and the row says that it did."""

import os
import subprocess
import sys

import pytest

from recmeta.execution._oom_kills import counting_file

pytestmark = pytest.mark.faults

SCRIPT = """
import sys
from recmeta.execution.local import run
from recmeta.execution.task import Task
for _, result in run([Task.from_json(text) for text in sys.argv[1:]], workers=1):
    print(result.status, result.tries, result.error.partition(chr(10))[0])
"""


@pytest.fixture
def small_group():
    """A control group of 700 MB inside of the one that this process is in."""
    file = counting_file()
    if file is None or file.name != "memory.oom_control" or os.geteuid() != 0:
        pytest.skip("makes a control group of version 1, as root")
    group = file.parent / f"recmeta-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    (group / "memory.limit_in_bytes").write_text(str(700 * 10**6))
    yield group
    group.rmdir()


def test_a_fit_that_the_kernel_ends_is_oom_and_one_that_a_person_ends_is_not(
    small_group, make_task, environment
):
    join = f'echo $$ > {small_group}/cgroup.procs && exec "$@"'
    tasks = [make_task(name).to_json() for name in ("Hogs", "IsKilled", "Steady")]
    done = subprocess.run(
        ["sh", "-c", join, "sh", sys.executable, "-c", SCRIPT, *tasks],
        env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    hogs, killed, steady = done.stdout.splitlines()  # one worker: in their order
    assert hogs.startswith("oom 3 tried 3 times: killed by the kernel, out of memory")
    assert killed.startswith("error 3 infrastructure fault, tried 3 times: killed by SIGKILL")
    assert steady.startswith("ok 1")
