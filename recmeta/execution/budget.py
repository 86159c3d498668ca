"""Times and sizes as people write them: ``"2m"`` is 120 s, ``"4GiB"`` is 4 * 2**30 bytes."""

import re

TIME_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
SIZE_UNITS = {
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
    "k": 2**10,
    "m": 2**20,
    "g": 2**30,
}
QUANTITY = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*([a-zA-Z]*)\s*")


def to_seconds(time: str | float) -> float:
    """``"90s"``, ``"2m"``, ``"1h30m"`` or a number of seconds.

    Raises
    ------
    ValueError
        If the text is no time, or not above 0.
    """
    if not isinstance(time, str):
        total = float(time)
    else:
        parts = QUANTITY.findall(time)
        read_all = "".join(n + unit for n, unit in parts) == re.sub(r"\s", "", time)
        if not parts or not read_all or any((u or "s").lower() not in TIME_UNITS for _, u in parts):
            raise ValueError(f"not a time: {time!r}; write it like 90s, 2m or 1h30m")
        total = sum(float(n) * TIME_UNITS[(unit or "s").lower()] for n, unit in parts)
    if not total > 0:
        raise ValueError(f"a time must be above 0: got {time!r}")
    return total


def to_bytes(size: str | float) -> int:
    """``"4GiB"`` (2**30), ``"500MB"`` (10**6) or a number of bytes.

    Raises
    ------
    ValueError
        If the text is no size, or not above 0.
    """
    if not isinstance(size, str):
        total = float(size)
    else:
        match = QUANTITY.fullmatch(size)
        if match is None or (match[2] or "b").lower() not in SIZE_UNITS:
            raise ValueError(f"not a size: {size!r}; write it like 500MB or 4GiB")
        total = float(match[1]) * SIZE_UNITS[(match[2] or "b").lower()]
    if not total >= 1:
        raise ValueError(f"a size must be above 0: got {size!r}")
    return int(total)


def time_text(seconds: float) -> str:
    """``0.04 s``, ``12 s``, ``3m20s``, ``2h05m``: as short as it stays readable."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"
    return f"{int(seconds) // 3600}h{int(seconds) % 3600 // 60:02d}m"


def size_text(n_bytes: float) -> str:
    """``10 bytes``, ``850 KB``, ``12 MB``, ``3.4 GB``, in powers of ten."""
    if n_bytes < 1e3:
        return f"{n_bytes:.0f} bytes"
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= scale:
            value = n_bytes / scale
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{n_bytes / 1e3:.0f} KB"
