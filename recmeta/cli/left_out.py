"""Which algorithms are left out on which logs, said by what they need: not a line for each pair."""

from collections.abc import Iterable, Mapping

from recmeta.cli.output import counted

N_NAMED = 3  # logs; --json has all


def left_out_lines(found: Iterable[tuple[str, Mapping[str, str]]]) -> list[str]:
    """A line for each need and the logs that lack it.

    Parameters
    ----------
    found : iterable of (str, dict)
        The name of a log, and algorithm -> what it needs that the log has not. A log may come more
        than once, under several splits.
    """
    logs: dict[tuple[str, str], dict[str, None]] = {}  # in the order of the first
    for log, left_out in found:
        for algorithm, need in left_out.items():
            logs.setdefault((need, algorithm), {})[log] = None
    algorithms: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (need, algorithm), names in logs.items():
        algorithms.setdefault((need, tuple(names)), []).append(algorithm)
    return [
        f"{need}: {', '.join(who)} left out on {counted(len(names), 'log')}: {_named(names)}"
        for (need, names), who in algorithms.items()
    ]


def _named(names: tuple[str, ...]) -> str:
    text = ", ".join(names[:N_NAMED])
    return f"{text} and {len(names) - N_NAMED:,} more" if len(names) > N_NAMED else text
