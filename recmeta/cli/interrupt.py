"""Ctrl-C in a long command: once it ends in good order, twice at once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """Within it the first Ctrl-C is a note to be read, the second a KeyboardInterrupt.

    Called, it says whether there was one.
    """

    def __init__(self) -> None:
        self.given = False

    def __call__(self) -> bool:
        return self.given

    def __enter__(self) -> Self:
        self._before: Any = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.given:
            raise KeyboardInterrupt
        self.given = True
