from textlstm.reporting.sections.workload import draw_workload
from textlstm.reporting.sections.workload_by_class import (
    PublicWorkloadByClass,
    WorkloadByClass,
    draw_workload_by_class,
)
from textlstm.reporting.sections.workload_curves import (
    PublicWorkloadCurves,
    WorkloadCurves,
    draw_workload_curves,
)


def counted(share, records):
    return {"share": share, "low": 0.0, "high": 0.1, "records": records}


def test_the_workload_is_drawn_with_what_was_promised():
    curve = {"share": [0.5, 1.0], "error": [0.01, 0.04], "low": [0.0, 0.03], "high": [0.1, 0.05]}
    promises = [
        {"max_error": 0.01, "coded": counted(0.0, 100), "error": counted(None, 0)},
        {"max_error": 0.02, "coded": counted(0.8, 100), "error": counted(0.015, 80)},
    ]
    axes = draw_workload(curve, promises).axes[0]
    shown = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert shown["measured error"] == [[0.5, 0.01], [1.0, 0.04]]
    assert [[0.8, 0.015]] in [line.get_xydata().tolist() for line in axes.lines]
    assert [text.get_text() for text in axes.texts] == ["80.0 % at 2 %"]
    assert [text.xy for text in axes.texts] == [(0.8, 0.02)]  # above what was promised, or the dot
    broken = [promises[1] | {"error": counted(0.03, 80)}]
    assert [text.xy for text in draw_workload(curve, broken).axes[0].texts] == [(0.8, 0.03)]


def test_the_curves_of_the_classes_predicted_most_often_stand_side_by_side():
    curve = {"share": [0.5, 1.0], "error": [0.0, 0.04], "low": [0.0, 0.03], "high": [0.1, 0.05]}
    curves = {f"c{n}": curve for n in range(14)}
    rows = {
        name: {"coded": counted(0.8, 100 + n), "error": counted(0.01, 80)}
        for n, name in enumerate(curves)
    } | {"c13": {"coded": counted(0.0, 113), "error": counted(None, 0)}}
    figure = draw_workload_curves(curves, {"max_error": 0.02, "per_class": rows})
    shown = [axes.get_title() for axes in figure.axes]
    assert shown == [f"c{n} ({100 + n})" for n in range(13, 7, -1)]
    assert {axes.get_yscale() for axes in figure.axes} == {"linear"}
    assert figure.axes[0].get_ylim() == (0, 0.08)  # four times the promised error
    assert figure.get_supylabel() == "share of it that is wrong"
    lines = [line.get_xydata().tolist() for line in figure.axes[1].lines]
    assert lines[0] == [[0.5, 0.0], [1.0, 0.04]] and lines[-1] == [[0.8, 0.01]]
    assert len(figure.axes[0].lines) == 2  # of which nothing is coded, there is no dot
    assert draw_workload_curves({}, {"max_error": 0.02, "per_class": rows}) is None


def test_the_workload_by_class_leaves_out_classes_never_predicted():
    rows = {
        "rare": {"coded": counted(0.0, 2), "error": counted(None, 0)},
        "common": {"coded": counted(0.9, 2000), "error": counted(0.01, 1800)},
        "never": {"coded": counted(None, 0), "error": counted(None, 0)},
    }
    coded, error = draw_workload_by_class({"max_error": 0.02, "per_class": rows}).axes
    labels = [label.get_text() for label in coded.get_yticklabels()]
    assert labels == ["rare (2)", "common (2,000)"]
    assert [bar.get_width() for bar in coded.patches] == [0.0, 0.9]
    assert error.lines[-2].get_xydata().tolist() == [[0.01, 1]]
    assert error.get_xscale() == "linear" and error.get_xlim() == (0, 0.08)
    assert coded.get_xlabel() and error.get_xlabel()


def test_the_points_of_the_curves_stand_under_their_class():
    points = {"share": [0.5, 1.0], "error": [0.0, 0.1], "low": [0.0, 0.0], "high": [0.3, 0.4]}
    table = WorkloadCurves().table(PublicWorkloadCurves({"a": points, "b": points}, {}))
    assert list(table) == ["predicted", "share", "error", "low", "high"]
    assert table["predicted"].tolist() == ["a", "a", "b", "b"]
    assert table["error"].tolist() == [0.0, 0.1] * 2
    assert table["error"].dtype == float


def test_decisions_on_classes_stand_with_their_intervals():
    promise = {"per_class": {"a": {"coded": counted(0.0, 2), "error": counted(None, 0)}}}
    table = WorkloadByClass().table(PublicWorkloadByClass(promise))
    assert table.loc[0, ["predicted", "records", "coded_share"]].tolist() == ["a", 2, 0.0]
    assert table["error_share"].isna().all() and table["error_share"].dtype == float


def test_without_a_class_to_show_tables_are_empty():
    assert not len(WorkloadByClass().table(PublicWorkloadByClass({"per_class": {}})))
    assert not len(WorkloadCurves().table(PublicWorkloadCurves({}, {})))
