"""The zygote of a Ray actor: a process that waits, and behind it the zygote itself.

When an actor ends, Ray kills its children, but not theirs. A killed zygote could not end what the
fits had started. Here Ray kills the process that only waits; the zygote then reads the end of its
input, as on a single machine, and ends all of it.
"""

import os

from recmeta.execution import _zygote


def main() -> None:
    pid = os.fork()
    if pid == 0:
        _zygote.main()
        return
    for descriptor in (0, 1):
        os.close(descriptor)  # the pipes are the zygote's
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


if __name__ == "__main__":
    main()
