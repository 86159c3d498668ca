"""The main job: which algorithm for this log, and the best one fitted within a budget."""

from recmeta.automl.advice import recommend
from recmeta.automl.attempt import Attempt
from recmeta.automl.race import BudgetError
from recmeta.automl.recommendation import Recommendation
from recmeta.automl.recommender import AutoRecommender

__all__ = ["Attempt", "AutoRecommender", "BudgetError", "Recommendation", "recommend"]
