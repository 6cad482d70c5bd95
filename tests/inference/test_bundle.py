import json
import pickle
import shutil
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from steps import killed_at_every_step

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.fitting import train_bundle
from textlstm.inference.bundle import Bundle
from textlstm.inference.bundle_files import FILES
from textlstm.models.logits import resolve_device
from textlstm.recipe import Recipe
from textlstm.storage import atomic, json_files, swap
from textlstm.storage.atomic import sha256
from textlstm.tasks import SingleLabel
from textlstm.training.folds import as_examples
from textlstm.training.inputs import TrainingInputs

TEXTS = ["acute mi", "stroke", "copd", "asthma"] * 5
LABELS = np.array([0, 0, 1, 1] * 5)
CPU = resolve_device("cpu")


def made(seed=0, split="stratified", members=1):
    recipe = Recipe().with_fields(
        epochs=2, embedding_size=8, hidden_units=8, max_ngrams=64, ensemble_size=members
    )
    encoding = Vocabulary.fit(TEXTS, recipe.encoding)
    validation = np.array(TEXTS) == "asthma" if split == "grouped" else np.arange(20) >= 16
    encoded = encoding.encode(TEXTS)
    examples = as_examples(encoded, LABELS, encoding, validation, split=split)
    seen = []
    inputs = TrainingInputs(encoding, SingleLabel(("Circulatory", "Respiratory")), examples)
    bundle = train_bundle(
        recipe, inputs, seed=seed, device=CPU, on_epoch=seen.append,
        summary={"training records": 20},
    )  # fmt: skip
    assert len(seen) == 2
    return bundle


@pytest.fixture
def folder(tmp_path):
    made().save(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_saved_bundle_gives_the_same_probabilities(folder):
    texts = ["acute stroke", "", "unheard of", "asthma"]
    expected = made().predict_proba(texts)
    assert (Bundle.load(folder).predict_proba(texts) == expected).all()
    np.testing.assert_allclose(expected.sum(axis=1), 1.0)


def test_loading_and_predicting_import_neither_a_compiler_nor_spacy(folder):
    # Each takes a second: random weights on "meta" would need torch's compiler, stop words spaCy.
    code = (
        "import sys; from pathlib import Path; from textlstm.inference.bundle import Bundle\n"
        f"Bundle.load(Path({str(folder)!r})).predict_proba(['due mi and gsw'])\n"
        "from textlstm.encoding.abbreviations import Abbreviations\n"
        "assert Abbreviations(phrases={'acute stroke': 10}).meaning('as') is None\n"
        "print(bool({'torch._dynamo', 'spacy'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "False\n"


def test_it_knows_which_records_were_of_one_text_where_these_were_left_out_together(tmp_path):
    made(split="grouped").save(tmp_path)
    bundle = Bundle.load(tmp_path)
    assert (
        bundle.out_of_fold.cluster_size.tolist() == [5] * 5 and bundle.out_of_fold.effective == 1.0
    )
    assert (made().out_of_fold.cluster_size == 1).all()


def test_of_what_changes_with_time_the_latest_records_say_what_can_be_promised():
    drawn, latest = (made(split=split, members=2) for split in ("stratified", "temporal"))
    assert drawn.temperature == latest.temperature  # of all that was left out
    assert (len(drawn.out_of_fold.top), len(latest.out_of_fold.top)) == (8, 4)
    assert set(latest.out_of_fold.top) < set(drawn.out_of_fold.top)


def test_one_seed_gives_the_same_bytes(folder, tmp_path):
    made().save(tmp_path / "again")
    assert all(sha256(folder / name) == sha256(tmp_path / "again" / name) for name in FILES)


def test_it_holds_what_the_contract_names_and_no_pickle(folder):
    assert {path.name for path in folder.iterdir()} == {*FILES, "manifest.json"}
    for path in folder.iterdir():
        with pytest.raises(pickle.UnpicklingError):
            pickle.loads(path.read_bytes())  # noqa: S301
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["sha256"]) == set(FILES)
    assert manifest["libraries"]["torch"]


def test_probabilities_do_not_depend_on_neighbours_or_repeats():
    bundle, texts = made(), ["mi", "acute copd stroke", "mi"]
    together = bundle.predict_proba(texts)
    alone = np.concatenate([bundle.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert (together[0] == together[2]).all()


@pytest.mark.parametrize("name", FILES)
def test_a_changed_or_missing_file_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        Bundle.load(folder)
    (folder / name).unlink()
    with pytest.raises(InputError, match=name):
        Bundle.load(folder)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"format": 2}',
        '{"format": "x", "sha256": {}}',
        '{"format": 2, "sha256": [1]}',
        '{"format": 2, "sha256": {}, "libraries": {}}',
    ],
)
def test_a_manifest_that_is_none_is_refused(folder, content):
    (folder / "manifest.json").write_text(content)
    with pytest.raises(InputError):
        Bundle.load(folder)


def resigned(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = {name: sha256(folder / name) for name in FILES}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(("version", "advice"), [(99, "update textlstm"), (1, "train the model")])
def test_another_format_is_refused(folder, version, advice):
    manifest = json.loads((folder / "manifest.json").read_text()) | {"format": version}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=advice):
        Bundle.load(folder)


def test_another_tokenizer_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["libraries"]["spacy"] = "2.3.9"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"spaCy 2\.3\.9"):
        Bundle.load(folder)


def test_a_vocabulary_of_another_size_is_refused(folder):
    vocabulary = json.loads((folder / "vocab.json").read_text())
    vocabulary["words"].append("extra")
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    resigned(folder)
    with pytest.raises(InputError, match="fit together"):
        Bundle.load(folder)


def test_a_pickle_in_disguise_is_refused_and_not_run(folder, tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap()))
    resigned(folder)
    with pytest.raises(InputError, match="fit together"):
        Bundle.load(folder)
    assert not (tmp_path / "sprung").exists()


def changed(folder, name, change):
    """Change a part as somebody would who can write manifests."""
    value = json.loads((folder / name).read_text())
    change(value)
    (folder / name).write_text(json.dumps(value))
    resigned(folder)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("config.json", lambda config: config.pop("recipe")),
        ("config.json", lambda config: config.update(recipe=[])),
        ("config.json", lambda config: config["recipe"]["network"].update(hidden_units=100_000)),
        ("config.json", lambda config: config["recipe"]["network"].update(embedding_size=10**15)),
        ("config.json", lambda config: config["recipe"]["network"].update(ensemble_size=1000)),
        ("config.json", lambda config: config["summary"].clear()),
        ("config.json", lambda config: config.update(summary="x")),
        ("config.json", lambda config: config["summary"].pop("text fields")),
        ("config.json", lambda config: config["summary"].update({"text fields": "<b>"})),
        ("config.json", lambda config: config["summary"].update({"text fields": True})),
        ("config.json", lambda config: config["summary"].update({"text fields": 10**30})),
        ("config.json", lambda config: config["summary"].update({"mean probability": 7})),
        ("vocab.json", lambda vocabulary: vocabulary.update(words=[1, 2, 3])),
        ("vocab.json", lambda vocabulary: vocabulary["words"].__setitem__(4, ["x"])),
        ("vocab.json", lambda vocabulary: vocabulary["words"].__setitem__(4, "stroke")),
        ("vocab.json", lambda vocabulary: vocabulary.update(length=10**12)),
        ("vocab.json", lambda vocabulary: vocabulary.update(length=100_000)),
        ("vocab.json", lambda vocabulary: vocabulary.update(length=-1)),
        ("vocab.json", lambda vocabulary: vocabulary.update(length=3.0)),
        ("vocab.json", lambda vocabulary: vocabulary["words"].__setitem__(4, "\ud800")),
        ("vocab.json", lambda vocabulary: vocabulary.update(n_fields=10**30)),
        ("vocab.json", lambda vocabulary: vocabulary.update(padding="up")),
        ("vocab.json", lambda vocabulary: vocabulary.update(n_fields=0)),
        ("vocab.json", lambda vocabulary: vocabulary.update(subwords=["a"] * 64)),
        ("vocab.json", lambda vocabulary: vocabulary.update(subwords={"a": 1})),
        ("vocab.json", lambda vocabulary: vocabulary.update(more=1)),
        ("labels.json", lambda labels: labels.append("third")),
        ("labels.json", lambda labels: labels.__setitem__(1, labels[0])),
        ("labels.json", lambda labels: labels.__setitem__(1, {"a": 1})),
        ("labels.json", lambda labels: labels.__setitem__(1, "\ud800")),
        ("calibration.json", lambda calibration: calibration.update(temperature=float("nan"))),
        ("calibration.json", lambda calibration: calibration.update(temperature=-1.0)),
        ("calibration.json", lambda calibration: calibration.update(temperature=0)),
        ("calibration.json", lambda calibration: calibration.update(temperature="1")),
        ("calibration.json", lambda calibration: calibration.update(temperature=True)),
        ("calibration.json", lambda calibration: calibration.update(temperature=5e-324)),
        ("calibration.json", lambda calibration: calibration.update(temperature=1e308)),
        ("calibration.json", lambda calibration: calibration.clear()),
        ("calibration.json", lambda calibration: calibration["held_out"]["top"].pop()),
        ("calibration.json", lambda calibration: calibration["held_out"].update(true=["x"])),
        (
            "calibration.json",
            lambda calibration: calibration["held_out"].update(top=[0.1, 0.2, 0.3, 0.4]),
        ),
        ("calibration.json", lambda calibration: calibration["held_out"].update(top=[7.0] * 4)),
        (
            "calibration.json",
            lambda calibration: calibration["held_out"].update(alike=[0] * 4),
        ),
    ],
)
def test_parts_that_a_manifest_vouches_for_must_still_make_sense(folder, name, change):
    changed(folder, name, change)
    with pytest.raises(InputError, match="fit together"):
        Bundle.load(folder)


def test_json_too_deep_or_too_large_is_refused(folder, monkeypatch):
    (folder / "labels.json").write_text("[" * 200_000)
    resigned(folder)
    with pytest.raises(InputError, match="fit together"):
        Bundle.load(folder)
    monkeypatch.setattr(json_files, "MAX_JSON", 100)
    with pytest.raises(InputError, match="manifest"):
        Bundle.load(folder)


@pytest.mark.parametrize("change", [
    lambda weights: weights.pop("members.0.output.bias"),
    lambda weights: weights.update(more=torch.zeros(1)),
    lambda weights: weights["members.0.output.bias"].fill_(float("nan")),
    lambda weights: weights.update({"members.0.output.bias": torch.zeros(3)}),
    lambda weights: weights.update({name: one.double() for name, one in weights.items()}),
    lambda weights: weights.update({name: one.bfloat16() for name, one in weights.items()}),
    lambda weights: weights.update({name: one.to(torch.complex64)
                                    for name, one in weights.items()}),
    lambda weights: weights.update(linear_weight=torch.tensor(1, dtype=torch.int64)),
    lambda weights: weights.update(linear_weight=torch.tensor(1e8)),
    lambda weights: weights["members.0.output.weight"].fill_(3e38),
    lambda weights: weights["members.0.embedding.weight"][3].fill_(-3e38),
])  # fmt: skip
def test_other_weights_are_refused(folder, change):
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    change(weights)
    safetensors.torch.save_file(weights, folder / "model.safetensors")
    resigned(folder)
    with pytest.raises(InputError, match="fit together"):
        Bundle.load(folder)


def test_labels_are_a_list_of_two_at_least(folder):
    for value in ("ab", {"Circulatory": 1, "Respiratory": 2}, [], ["only one"]):
        (folder / "labels.json").write_text(json.dumps(value))
        resigned(folder)
        with pytest.raises(InputError, match="fit together"):
            Bundle.load(folder)


def test_a_trial_that_gives_no_probabilities_is_refused(folder, monkeypatch):
    monkeypatch.setattr(Bundle, "predict_proba", lambda *_: np.array([[np.nan, 1.0]]))
    with pytest.raises(InputError, match="fit together"):
        Bundle.load(folder)


def test_a_header_that_claims_a_terabyte_is_refused_and_nothing_allocated(folder):
    tensor = {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}
    header = json.dumps({"members.0.output.bias": tensor}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    resigned(folder)
    tracemalloc.start()
    with pytest.raises(InputError, match="fit together"):
        Bundle.load(folder)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["../vocab.json", "/etc/passwd", "more/vocab.json"])
def test_a_manifest_that_names_other_files_is_refused(folder, name):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"][name] = manifest["sha256"]["vocab.json"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="other files"):
        Bundle.load(folder)


@pytest.mark.parametrize("name", ["vocab.json", "manifest.json"])
def test_a_link_in_the_place_of_a_part_is_refused(folder, tmp_path, name):
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(InputError, match=r"missing|no complete bundle"):
        Bundle.load(folder)


def test_the_weights_of_another_bundle_are_refused(folder, tmp_path):
    made(seed=1).save(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", folder / "model.safetensors")
    with pytest.raises(InputError, match=r"model\.safetensors: differs"):
        Bundle.load(folder)


def test_a_save_that_fails_leaves_the_old_bundle(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    bundle = made(seed=1)
    with monkeypatch.context() as patch:
        patch.setattr(Bundle, "_card", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(OSError):
            bundle.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    bundle.save(folder)
    assert (Bundle.load(folder).predict_proba(TEXTS) == bundle.predict_proba(TEXTS)).all()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_kill_at_any_step_of_a_save_leaves_the_old_bundle_or_the_new_one(folder, monkeypatch):
    if swap._renameat2() is None:
        pytest.skip("this system cannot exchange paths")
    monkeypatch.setattr(atomic.os, "fsync", lambda _: None)  # for a loss of power alone
    old, bundle, home = contents(folder), made(seed=1), folder.parent
    (folder / "vocab.json").chmod(0o640)
    shutil.copytree(folder, home / "kept")
    ends = set()
    for _ in killed_at_every_step(home, lambda: bundle.save(folder)):
        found = contents(folder)
        assert Bundle.load(folder).labels == bundle.labels
        ends.add(found == old)
        bundle.save(folder)
        assert {path.name for path in home.iterdir()} == {"bundle", "kept"}
        assert (folder / "vocab.json").stat().st_mode & 0o777 == 0o640
        new = contents(folder)
        assert found in (old, new)
        shutil.rmtree(folder)
        shutil.copytree(home / "kept", folder)
    assert ends == {False, True}


def test_what_else_a_folder_holds_stays_beside_a_saved_bundle(folder, monkeypatch):
    (folder / "notes.txt").write_text("mine")
    made(seed=1).save(folder)
    assert (folder / "notes.txt").read_text() == "mine"
    (folder / "notes.txt").unlink()
    monkeypatch.chdir(folder)  # which must not be taken away
    made(seed=2).save(Path())
    assert Bundle.load(Path()).labels == Bundle.load(folder).labels
    assert [path.name for path in folder.parent.iterdir()] == ["bundle"]


def test_an_empty_folder_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="train"):
        Bundle.load(tmp_path)


def test_no_texts_have_no_probabilities():
    assert made().predict_proba([]).shape == (0, 2)


def test_the_model_card_has_no_links_and_no_html_of_others(tmp_path):
    facts = {"<b>": "<img src=http://a>", "text columns": ["![x](http://a)", "a``b", "cause"]}
    bundle = made()
    replace(bundle, summary={**bundle.summary, **facts}).save(tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert "- `<b>`: `<img src=http://a>`\n" in card
    assert "- text columns: `![x](http://a)`, `a''b`, cause\n" in card
