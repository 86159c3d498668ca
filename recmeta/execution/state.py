"""The fitted state of an estimator as a file of plain arrays: no pickle, so loading runs no code.

The file is an uncompressed .npz: one array a learned attribute (three and a shape for a CSR
matrix), and ``state``, the JSON of the class name, the parameters and the plain attributes.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from recmeta.algorithms import Recommender

CSR_ARRAYS = ("data", "indices", "indptr")


def save_state(estimator: Recommender, file: Path | str) -> None:
    """Write the parameters and what ``fit`` has learned (attributes that end in ``_``).

    Raises
    ------
    TypeError
        If an attribute is neither an array, a CSR matrix nor a plain value.
    """
    arrays: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    value: Any
    for name, value in vars(estimator).items():
        if not name.endswith("_"):
            continue
        if isinstance(value, csr_array):
            for piece in CSR_ARRAYS:
                arrays[f"{name}.{piece}"] = getattr(value, piece)
            arrays[f"{name}.shape"] = np.asarray(value.shape, dtype=np.int64)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            arrays[name] = value
        else:
            plain[name] = value
    learned = {"class": type(estimator).__name__, "attributes": plain}
    text = json.dumps(learned | {"params": estimator.get_params()}, default=_plain)
    with open(file, "wb") as stream:
        np.savez(stream, state=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)


def load_state(algorithm: type[Recommender], file: Path | str) -> Recommender:
    """The fitted estimator of a file that save_state wrote.

    Raises
    ------
    ValueError
        If the file is of another class, or a CSR matrix in it is malformed.
    """
    with np.load(file, allow_pickle=False) as arrays:
        state = json.loads(bytes(arrays["state"]).decode())
        if state["class"] != algorithm.__name__:
            raise ValueError(f"{file} holds a {state['class']}, not a {algorithm.__name__}")
        estimator = algorithm(**state["params"])
        values = dict(state["attributes"])
        for name in arrays.files:
            attribute, _, piece = name.partition(".")
            if not piece and name != "state":
                values[name] = arrays[name]
            elif piece == "shape":
                pieces = tuple(arrays[f"{attribute}.{one}"] for one in CSR_ARRAYS)
                values[attribute] = csr_array(pieces, shape=tuple(arrays[name]))
                values[attribute].check_format(full_check=True)
    for name, value in values.items():
        setattr(estimator, name, value)
    return estimator


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a learned attribute must be an array or a plain value, not {value!r}")
