"""Other people's data as knowledge."""

from sklmeta.integrations.aslib import AslibScenario, read_aslib

__all__ = ["AslibScenario", "read_aslib"]
