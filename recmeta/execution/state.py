"""The fitted state of an estimator as a file of plain arrays: no pickle, so loading runs no code.

The file is an uncompressed .npz: the arrays of ``algorithms._state``, and ``state``, the JSON of
the class name, the parameters and the plain attributes. It lives for the length of a task.
"""

import json
from pathlib import Path

import numpy as np

from recmeta.algorithms import Recommender
from recmeta.algorithms._state import state_of, with_state


def save_state(estimator: Recommender, file: Path | str) -> None:
    """Write the parameters and what ``fit`` has learned (attributes that end in ``_``).

    Raises
    ------
    TypeError
        If an attribute is neither an array, a CSR matrix nor a plain value.
    """
    arrays, plain = state_of(estimator)
    learned = {"class": type(estimator).__name__, "attributes": plain}
    text = json.dumps(learned | {"params": estimator.get_params()})
    with open(file, "wb") as stream:
        np.savez(stream, state=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type]


def load_state(algorithm: type[Recommender], file: Path | str) -> Recommender:
    """The fitted estimator of a file that save_state wrote.

    Raises
    ------
    ValueError
        If the file is of another class, or a CSR matrix in it is malformed.
    """
    with np.load(file, allow_pickle=False) as stored:
        state = json.loads(bytes(stored["state"]).decode())
        if state["class"] != algorithm.__name__:
            raise ValueError(f"{file} holds a {state['class']}, not a {algorithm.__name__}")
        arrays = {name: stored[name] for name in stored.files if name != "state"}
    return with_state(algorithm, state["params"], arrays, state["attributes"])
