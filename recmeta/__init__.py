"""recmeta: which recommender algorithm for this interaction log, how good, at what cost; fitted.

>>> import recmeta as rm
>>> data = rm.read("examples/shop.csv")  # doctest: +SKIP
>>> print(rm.recommend(data))  # doctest: +SKIP
>>> model = rm.AutoRecommender(time="2m", memory="4GiB", seed=0).fit(data)  # doctest: +SKIP
>>> model.recommend(["customer-0001"], k=10)  # doctest: +SKIP
>>> model.save("model.recmeta"); model = rm.load("model.recmeta")  # doctest: +SKIP
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from recmeta.automl import AutoRecommender as AutoRecommender
    from recmeta.automl import Recommendation as Recommendation
    from recmeta.automl import recommend as recommend
    from recmeta.data import DataError as DataError
    from recmeta.data import Interactions as Interactions
    from recmeta.datasets import read as read
    from recmeta.model import Model as Model
    from recmeta.model import load as load

# where each public name lives: read when it is first used, so that `import recmeta` stays light
_HOMES = {
    "AutoRecommender": "recmeta.automl",
    "Recommendation": "recmeta.automl",
    "recommend": "recmeta.automl",
    "DataError": "recmeta.data",
    "Interactions": "recmeta.data",
    "read": "recmeta.datasets",
    "Model": "recmeta.model",
    "load": "recmeta.model",
}
__all__ = [
    "AutoRecommender",
    "DataError",
    "Interactions",
    "Model",
    "Recommendation",
    "load",
    "read",
    "recommend",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'recmeta' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
