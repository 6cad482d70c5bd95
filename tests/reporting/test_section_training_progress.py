from report_source import HISTORY

from textlstm.reporting.sections.training_progress import draw_training_progress


def test_training_progress_shows_both_parts_and_the_best_epoch():
    loss, accuracy = draw_training_progress(HISTORY).axes
    shown = {line.get_label(): line.get_xydata().tolist() for line in loss.lines}
    assert shown["training"] == [[1, 2.0], [2, 1.0], [3, 0.5]]
    assert shown["validation"] == [[1, 1.8], [2, 0.9], [3, 1.1]]
    assert shown["lowest validation loss"] == [[2, 0.9]]
    assert accuracy.get_title() == "accuracy"
