"""From a knowledge base to what to try next."""

from sklmeta.recommenders.average_rank import AverageRank
from sklmeta.recommenders.base import Recommender
from sklmeta.recommenders.forest import Forest
from sklmeta.recommenders.nearest_tasks import NearestTasks
from sklmeta.recommenders.portfolio import Portfolio
from sklmeta.recommenders.recommendation import Recommendation, SimilarTask
from sklmeta.recommenders.task_mixture import TaskMixture

__all__ = [
    "AverageRank",
    "Forest",
    "NearestTasks",
    "Portfolio",
    "Recommendation",
    "Recommender",
    "SimilarTask",
    "TaskMixture",
]
