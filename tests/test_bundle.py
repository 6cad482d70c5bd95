import json
import pickle

import numpy as np
import pytest

from textlstm.bundle import FILES, Bundle, as_examples, train_bundle
from textlstm.config import Recipe
from textlstm.encoding import WordEncoding
from textlstm.errors import InputError
from textlstm.files import sha256
from textlstm.training import resolve_device

TEXTS = ["acute mi", "stroke", "copd", "asthma"] * 5
LABELS = np.array([0, 0, 1, 1] * 5)
CPU = resolve_device("cpu")


def made(seed=0):
    recipe = Recipe().with_fields(epochs=2, embedding=8, hidden_units=8, subwords=64)
    encoding = WordEncoding.fit(TEXTS, recipe.encoding)
    validation = np.arange(20) >= 16
    examples = as_examples(encoding.encode(TEXTS), LABELS, encoding, validation)
    seen = []
    bundle = train_bundle(
        recipe, encoding, ("Circulatory", "Respiratory"), examples, seed=seed, device=CPU,
        on_epoch=seen.append, summary={"training records": 20},
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
        '{"format": 1}',
        '{"format": "x", "sha256": {}}',
        '{"format": 1, "sha256": [1]}',
        '{"format": 1, "sha256": {}, "libraries": {}}',
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


def test_a_newer_format_is_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text()) | {"format": 99}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="newer"):
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


def test_an_empty_folder_says_what_to_run(tmp_path):
    with pytest.raises(InputError, match="train"):
        Bundle.load(tmp_path)


def test_no_texts_have_no_probabilities():
    assert made().predict_proba([]).shape == (0, 2)
