from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import train_test_split

from textlstm.config import DataConfig
from textlstm.data import splits as splits_module
from textlstm.data.draws import draw_share
from textlstm.data.records import SPLIT_COLUMN, UsableRecords, select_usable
from textlstm.data.splits import METHODS, split_off, split_rare
from textlstm.errors import InputError


def frame(labels, texts=None):
    return pd.DataFrame({"text": texts or ["t"] * len(labels), "label": labels})


def test_each_choice_of_the_settings_has_a_method():
    assert next(item for item in fields(DataConfig) if item.name == "split").metadata[
        "choices"
    ] == tuple(METHODS)


def split(records, config, seed):
    """The splits of records, none of which is of a dropped class."""
    return splits_module.split(UsableRecords(records, records[:0], {}, 0, []), config, seed)[0]


def test_the_stratified_split_is_scikit_learns(table):
    records = table.rename(columns={"cause": "text", "category": "label"})
    parts = split(records, DataConfig(), seed=7)
    train, holdout = train_test_split(
        np.arange(len(records)), test_size=0.3, random_state=7, stratify=records["label"]
    )
    assert sorted(parts["holdout"].index) == sorted(holdout)
    assert sorted([*parts["train"].index, *parts["validation"].index]) == sorted(train)
    assert set(parts["train"].index).isdisjoint(parts["validation"].index)


def test_the_only_record_of_a_class_is_trained_on():
    records = frame(["a"] * 20 + ["b"] * 20 + ["c"])
    for seed in range(5):
        train, _ = split_off(records, 0.3, "stratified", seed)
        assert "c" in set(train["label"])


@pytest.mark.parametrize("how", ["stratified", "grouped"])
def test_a_seed_gives_the_same_parts_and_another_one_others(how):
    records = frame(["a", "b"] * 60, [f"t{number // 2}" for number in range(120)])
    first, again, other = (split(records, DataConfig(split=how), seed) for seed in (1, 1, 2))
    for name, part in first.items():
        assert part.index.equals(again[name].index) and not part.index.equals(other[name].index)


def test_classes_too_small_for_a_part_are_drawn_as_one():
    records = frame(["a"] * 60 + ["b"] * 60 + [f"small{n}" for n in range(20) for _ in "xy"])
    parts = [split_off(records, 0.1, "stratified", seed)[1]["label"] for seed in range(20)]
    small = [part.str.startswith("small").sum() for part in parts]
    assert set(small) == {4} and len({tuple(sorted(part)) for part in parts}) > 10


@pytest.mark.parametrize(("n", "share"), [(1, 0.3), (7, 0.3), (10, 0.25), (0, 0.3)])
def test_each_row_is_drawn_as_often_as_its_share_says(n, share):
    rows = np.concatenate([draw_share(n, share, seed) for seed in range(4000)])
    times = np.bincount(rows, minlength=n)
    assert (abs(times - 4000 * share) < 5 * np.sqrt(4000 * share * (1 - share))).all()


def test_records_of_dropped_classes_are_divided_as_the_others():
    labels = ["a", "b"] * 300 + [f"rare{number}" for number in range(60)]
    dates = [f"20{10 + n % 10}-01-01" for n in range(660)]
    records = frame(labels, [f"t{n // 2}" for n in range(660)]).assign(date=dates)
    for how in ("stratified", "grouped", "temporal"):
        config = DataConfig(split=how, date="date")
        found = select_usable(records, config)
        parts, rare = splits_module.split(found, config, seed=0)
        sizes = rare[SPLIT_COLUMN].value_counts()
        assert len(rare) == 60 and set(rare["label"]) == set(labels[600:])
        assert 15 <= sizes["holdout"] <= 21 and 2 <= sizes["validation"] <= 7
        assert {name: len(part) for name, part in parts.items()} == (
            {"train": 378, "validation": 42, "holdout": 180}
        ) or how == "grouped"
        if how == "temporal":
            assert (
                rare[rare[SPLIT_COLUMN] == "holdout"]["date"].min()
                >= parts["holdout"]["date"].min()
            )
        if how == "grouped":
            assert (rare.groupby("text")[SPLIT_COLUMN].nunique() == 1).all()


def test_a_dropped_record_goes_with_the_others_of_its_text():
    first, second = frame(["a", "a"], ["x", "y"]), frame(["b", "b"], ["z", "z"])
    rare = frame(["c"] * 8, list("xzxzzzxx"))
    for seed in range(5):
        _, chosen = split_rare(rare, first, second, 0.5, "grouped", seed)
        assert chosen["text"].tolist() == ["z"] * 4


def test_of_two_records_of_a_class_either_may_be_held_out():
    records = frame(["a"] * 20 + ["b"] * 20 + ["c"] * 2)
    holdouts = [split_off(records, 0.3, "stratified", seed)[1] for seed in range(10)]
    assert {tuple(part.index[part["label"] == "c"]) for part in holdouts} == {(40,), (41,)}
    train, holdout = split_off(frame(["a", "a", "b"]), 0.3, "stratified", 0)
    assert holdout["label"].tolist() == ["a"] and train["label"].tolist() == ["a", "b"]


def test_a_part_is_stratified_as_soon_as_it_has_a_place_for_every_class():
    records = frame(["a"] * 5 + ["b"] * 5 + ["c"])
    for seed in range(5):
        assert set(split_off(records, 0.2, "stratified", seed)[1]["label"]) == {"a", "b"}
    train, holdout = split_off(frame(list("aabbcc")), 0.7, "stratified", 0)
    assert (len(train), len(holdout)) == (1, 5)


def test_a_grouped_split_takes_its_share():
    records = frame(["a", "b"] * 100, [f"t{number}" for number in range(200)])
    assert len(split_off(records, 0.3, "grouped", 0)[1]) == 60
    two = frame(["a", "b"] * 10, ["x"] * 10 + ["y"] * 10)
    assert split_off(two, 0.5, "grouped", 0)[1]["text"].nunique() == 1


def test_a_grouped_split_keeps_equal_texts_together():
    generator = np.random.default_rng(0)
    texts = [f"t{number}" for number in generator.zipf(1.5, size=500) % 90]
    records = frame(generator.choice(["a", "b"], size=500).tolist(), texts)
    parts = split(records, DataConfig(split="grouped"), seed=0)
    groups = [set(part["text"]) for part in parts.values()]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])
    assert 0.2 < len(parts["holdout"]) / 500 < 0.4


def test_a_temporal_split_holds_out_the_latest():
    dates = [f"2021-01-{day:02}" for day in (3, 1, 2, 5, 4, 6, 7, 8, 9, 10)]
    records = frame(["a", "b"] * 5).assign(date=dates)
    parts = split(records, DataConfig(split="temporal", date="date"), seed=0)
    assert parts["holdout"]["date"].min() > parts["validation"]["date"].max()
    assert parts["validation"]["date"].min() > parts["train"]["date"].max()
    assert len(parts["holdout"]) == 3


def test_of_equal_dates_chance_decides_and_rare_classes_have_the_same():
    labels = ["a"] * 500 + ["b"] * 500 + [f"rare{number}" for number in range(200)]
    years = np.repeat([2020, 2021, 2022], 400)
    records = frame(labels).assign(date=np.random.default_rng(0).permutation(years).astype(str))
    config = DataConfig(split="temporal", date="date")
    shares = []
    for seed in range(20):
        parts, rare = splits_module.split(select_usable(records, config), config, seed)
        assert 0.35 < (parts["holdout"]["label"] == "a").mean() < 0.65
        assert parts["holdout"]["date"].min() == "2022"
        sizes = rare[SPLIT_COLUMN].value_counts()
        shares.append([sizes.get(name, 0) / len(part) for name, part in parts.items()])
    np.testing.assert_allclose(np.mean(shares, axis=0), 0.2, atol=0.04)


def test_dates_of_other_zones_are_put_in_order():
    dates = ["2021-01-01T01:00:00+02:00", "2020-12-31T23:30:00Z", "2020-12-31T12:00:00-10:00"]
    records = frame(["a", "b", "a"]).assign(date=dates)
    assert split_off(records, 0.34, "temporal", 0)[1].index.tolist() == [1]


def test_an_unreadable_date_is_counted():
    records = frame(["a", "b"]).assign(date=["2021-01-01", "soon"])
    with pytest.raises(InputError, match="1 usable record"):
        split_off(records, 0.5, "temporal", 0)


def test_empty_dates_are_told_apart_by_the_name_of_their_column():
    records = frame(["a", "b"] * 5).assign(date=["2021", " ", *["2022"] * 7, ""])
    with pytest.raises(InputError, match="2 usable records have an empty 'year', as those of rev"):
        split(records, DataConfig(split="temporal", date="year"), seed=0)
    records = records.assign(date=["2021", "soon", *["2022"] * 8])
    with pytest.raises(InputError, match="the 'year' of 1 usable record cannot be read as a date"):
        split(records, DataConfig(split="temporal", date="year"), seed=0)


def test_dates_that_can_be_read_in_two_ways_are_refused():
    records = frame(["a", "b"]).assign(date=["13/02/2021", "02/03/2021"])
    with pytest.raises(InputError, match="ISO 8601"):
        split_off(records, 0.5, "temporal", 0)


@pytest.mark.parametrize(
    "labels", [["a"] * 7 + ["b"] * 3, ["a"] * 3 + ["b"] * 4 + ["c"] * 3, ["a"] * 8 + ["b"] * 2]
)
def test_a_split_that_leaves_nothing_to_learn_or_to_measure_is_refused(labels):
    records = frame(labels).assign(date=[f"2021-01-{day:02}" for day in range(1, 11)])
    with pytest.raises(InputError, match="temporal split leaves"):
        split(records, DataConfig(split="temporal", date="date"), seed=0)


@pytest.mark.parametrize(
    ("how", "labels", "texts", "message"),
    [
        ("stratified", "a", "x", "there is too little to split: 1 record of 1 class"),
        ("stratified", "ab", "xy", "there is too little to split: 2 records of 2 classes"),
        ("grouped", "abab", "xxxx", "all texts are equal; a grouped split is not possible"),
        ("grouped", "ab", "xy", "2 usable records are too few for a grouped split"),
        ("temporal", "a", "x", "1 usable record is too few for a temporal split"),
    ],
)
def test_too_few_records_to_split(how, labels, texts, message):
    records = frame(list(labels), list(texts)).assign(date="2021-01-01")
    with pytest.raises(InputError, match=f"^{message}"):
        split_off(records, 0.3, how, 0)


@pytest.mark.parametrize("how", ["stratified", "grouped", "temporal"])
def test_what_is_kept_once_is_split_as_if_it_were_not(how):
    generator = np.random.default_rng(0)
    texts = [f"t{number}" for number in generator.zipf(1.5, size=500) % 90]
    labels = generator.choice(["b", "a", "", " a", "c"], size=500).tolist()
    dates = [f"2021-{n % 12 + 1:02}-01" for n in range(500)]
    records = frame(labels, texts).assign(date=dates)
    config = DataConfig(split=how, date="date" if how == "temporal" else "")
    plain, once = (split(select_usable(one, config).records, config, 3)
                   for one in (records, records.astype("category")))  # fmt: skip
    for name, part in plain.items():
        pd.testing.assert_frame_equal(part.astype(str), once[name].astype(str))
        assert set(once[name].dtypes.astype(str)) == {"category"}


def test_a_class_of_one_record_is_refused_by_a_stratified_split_alone():
    records = frame(["a"] * 30 + ["b"] * 30 + ["c"], [f"t{n}" for n in range(61)])
    message = (
        "^class 'c' has one record, which no stratified split can divide; use --rare merge or "
        "--rare drop, or another split$"
    )
    with pytest.raises(InputError, match=message):
        split(records, DataConfig(), 0)
    assert len(split(records, DataConfig(split="grouped"), 0)["train"]) > 30


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a"] * 10 + ["b"] * 14 + ["c"] * 16, "2 classes to train on and 0 of them to measure"),
    ],
)
def test_a_split_without_classes_in_common_is_refused(labels, message):
    dates = [f"2021-01-{day:02d}" for day in range(1, 31)] + [f"2022-01-{day:02d}" for day in
                                                             range(1, 11)]  # fmt: skip
    records = frame(labels, [f"t{n}" for n in range(40)]).assign(date=dates)
    config = DataConfig(split="temporal", date="date", holdout=0.4)
    expected = f"^the temporal split leaves {message}; use another split$"
    with pytest.raises(InputError, match=expected):
        split(records, config, 0)


def test_dates_of_dropped_classes_are_checked_too():
    records = frame(["a", "b"] * 20, [f"t{n}" for n in range(40)]).assign(date="2021-01-01")
    usable = UsableRecords(records, records[:1].assign(date="soon"), {}, 1, [])
    config = DataConfig(split="temporal", date="died")
    with pytest.raises(InputError, match="the 'died' of 1 usable record cannot be read"):
        splits_module.split(usable, config, 0)


def test_records_of_dropped_classes_are_divided_like_the_others():
    records = frame(["a", "b"] * 100, [f"t{n}" for n in range(200)])
    dropped = frame([f"r{n}" for n in range(40)], [f"d{n}" for n in range(40)])
    dropped.index += 1000
    usable = UsableRecords(records, dropped, {}, 40, [])
    splits, rare = splits_module.split(usable, DataConfig(), 3)
    assert {name: len(part) for name, part in splits.items()} == {
        "train": 126, "validation": 14, "holdout": 60,
    }  # fmt: skip
    assert sorted(rare.index) == sorted(dropped.index)
    assert rare[SPLIT_COLUMN].value_counts().to_dict() == {
        "train": 25, "holdout": 12, "validation": 3,
    }  # fmt: skip


def test_a_seed_divides_records_of_dropped_classes_the_same_way():
    labels = ["a", "b"] * 60 + [f"rare{number}" for number in range(40)]
    usable = select_usable(frame(labels, [f"t{n}" for n in range(160)]), DataConfig())
    first, again, other = (splits_module.split(usable, DataConfig(), s)[1] for s in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first[SPLIT_COLUMN].sort_index().equals(other[SPLIT_COLUMN].sort_index())


def test_a_split_that_leaves_one_class_is_refused():
    dates = pd.Series([f"20{10 + n // 10}-01-{1 + n % 10:02}" for n in range(40)])
    records = frame(["a"] * 28 + ["b"] * 12).assign(date=dates)
    with pytest.raises(InputError) as error:
        split(records, DataConfig(split="temporal", date="date"), 0)
    assert str(error.value) == (
        "the temporal split leaves 1 class to train on and 0 of them to measure; use another split"
    )


def test_too_few_records_are_counted():
    with pytest.raises(InputError) as error:
        split_off(frame(["a", "a"], ["x", "y"]), 0.1, "grouped", 0)
    assert str(error.value) == "2 usable records are too few for a grouped split"


def test_a_class_of_the_validation_records_alone_can_be_measured():
    dates = pd.Series([f"20{10 + n}-01-01" for n in range(20)])
    # Training has a and b, the latest of its records c, and the holdout has c as well.
    records = frame([*"ab" * 6, "a", *"c" * 7]).assign(date=dates)
    found = split(records, DataConfig(split="temporal", date="date"), 0)
    assert set(found["holdout"]["label"]) == {"c"} and "c" not in set(found["train"]["label"])
