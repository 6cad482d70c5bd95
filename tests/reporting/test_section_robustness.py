from textlstm.reporting.sections.robustness import PublicRobustness, Robustness


def test_robustness_shows_before_and_after_with_the_number_of_records():
    changes = {"one typo": {"records": 1200, "before": 0.9, "after": 0.8}}
    drawn = Robustness().figure(PublicRobustness(changes)).axes[0]
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["one typo (1,200)"]
    points = {one.get_label(): one.get_offsets().tolist() for one in drawn.collections[1:]}
    assert points == {"as written": [[0.9, 0]], "changed": [[0.8, 0]]}
    assert [text.get_text() for text in drawn.texts] == ["80.0 %"]
    assert Robustness().figure(PublicRobustness({})) is None


def test_changes_are_rows():
    table = Robustness().table(
        PublicRobustness({"typo": {"records": 12, "before": 0.5, "after": 0.25}})
    )
    assert table.to_csv(index=False) == "change,records,before,after\ntypo,12,0.5,0.25\n"


def test_without_a_change_the_table_is_empty():
    assert not len(Robustness().table(PublicRobustness({})))
