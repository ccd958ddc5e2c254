"""What was measured on many tasks: KnowledgeBase, its file, and the one that comes with sklmeta."""

from sklmeta.knowledge.base import KnowledgeBase
from sklmeta.knowledge.bundled import load_knowledge
from sklmeta.knowledge.joint import JointErrors
from sklmeta.knowledge.record import Evaluation

__all__ = ["Evaluation", "JointErrors", "KnowledgeBase", "load_knowledge"]
