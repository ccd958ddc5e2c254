"""From a knowledge base to what to try next."""

from sklmeta.recommenders.average_rank import AverageRank
from sklmeta.recommenders.base import Recommender
from sklmeta.recommenders.nearest_tasks import NearestTasks
from sklmeta.recommenders.portfolio import Portfolio
from sklmeta.recommenders.recommendation import Recommendation, SimilarTask

__all__ = ["AverageRank", "NearestTasks", "Portfolio", "Recommendation", "Recommender", "SimilarTask"]
