"""Figures for notebooks: those of the report, drawn from tables and from ``metrics.json``."""

from textlstm.reporting.clouds import draw_cloud, draw_clouds
from textlstm.reporting.sections.training_progress import draw_training_progress
from textlstm.reporting.sections.words_taken_away import draw_words_taken_away
from textlstm.reporting.sections.workload import draw_workload
from textlstm.reporting.sections.workload_by_class import draw_workload_by_class
from textlstm.reporting.sections.workload_curves import draw_workload_curves
from textlstm.reporting.tokens import activation_map, token_gates

__all__ = [
    "activation_map",
    "draw_cloud",
    "draw_clouds",
    "draw_training_progress",
    "draw_words_taken_away",
    "draw_workload",
    "draw_workload_by_class",
    "draw_workload_curves",
    "token_gates",
]
