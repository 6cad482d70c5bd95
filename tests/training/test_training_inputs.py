"""Training inputs read from the files of a run, and their fingerprint."""

import numpy as np
import pytest

from textlstm.config import RunConfig
from textlstm.encoding.encoded import write_encoded
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.recipe import Recipe
from textlstm.storage.json_files import write_json
from textlstm.training.inputs import ENCODED_FILES, fingerprint, read_training_inputs

PARTS = {"train": ["acute mi", "stroke", "mi", "stroke"], "validation": ["mi"], "rare": ["fall"]}
VERSIONS = {"torch": "2"}


@pytest.fixture
def folder(tmp_path):
    vocabulary = Vocabulary.fit(PARTS["train"], Recipe().with_fields(min_count=1).encoding)
    for name, texts in PARTS.items():
        numbers = np.arange(len(texts)) % 2 if name != "rare" else np.ones(1, np.int32)
        write_encoded(tmp_path / f"{name}.arrow", vocabulary.encode(texts), numbers)
    write_json(tmp_path / "vocab.json", vocabulary.to_dict())
    write_json(tmp_path / "labels.json", ["a", "b"])
    write_json(tmp_path / "rare.json", {"share": 0.25, "borderline": [1]})
    return tmp_path


def test_the_validation_part_follows_the_training_part(folder):
    inputs = read_training_inputs(folder, "grouped")
    assert inputs.examples.folds.tolist() == [-1] * 4 + [0]
    assert inputs.examples.targets.tolist() == [0, 1, 0, 1, 0]
    assert inputs.task.labels == ("a", "b") and inputs.examples.split == "grouped"
    assert len(inputs.rare.texts) == 1 and inputs.rare.in_validation.tolist() == [True]
    assert (inputs.rare.share, inputs.rare.borderline) == (0.25, (1,))
    summary = inputs.summary(RunConfig(), "cpu")
    assert (summary["training records"], summary["validation records"]) == (4, 1)


def test_the_fingerprint_changes_with_records_settings_device_and_releases(folder):
    config = RunConfig()
    found = [
        fingerprint(folder, config, "cpu", VERSIONS),
        fingerprint(folder, config, "cuda", VERSIONS),
        fingerprint(folder, config, "cpu", {"torch": "3"}),
        fingerprint(folder, RunConfig(seed=1), "cpu", VERSIONS),
        fingerprint(folder, RunConfig(recipe=Recipe().with_fields(epochs=3)), "cpu", VERSIONS),
    ]
    for name in ENCODED_FILES:
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content + b" ")
        found.append(fingerprint(folder, config, "cpu", VERSIONS))
        (folder / name).write_bytes(content)
    assert len(set(found)) == len(found)
    assert fingerprint(folder, config, "cpu", VERSIONS) == found[0]
