"""Bad bundles: damaged, forged or nonsense."""

import json
import pickle
import shutil

import pytest
import torch
from commands import (
    Faults,
    carried_out,
    contents,
)
from safetensors.torch import load_file, save_file

from pipelines import (
    report,
)  # fmt: skip
from textlstm.storage.atomic import sha256

fault = Faults()


def tampered(desk, change, *words, resign=True):
    """Change a bundle, sign it again with a fitting manifest, and check that predict refuses it."""
    run = desk.folder / f"tampered{len(list(desk.folder.iterdir()))}"
    shutil.copytree(desk.shared("dirty") / "run", run)
    bundle = run / "bundle"
    change(bundle)
    if resign:
        manifest = json.loads((bundle / "manifest.json").read_text())
        manifest["sha256"] = {name: sha256(bundle / name) for name in manifest["sha256"]}
        (bundle / "manifest.json").write_text(json.dumps(manifest))
    desk.refused(desk.code(desk.file("cause\nasthma\n"), run=run), *words)


def rewrite(name, change):
    def rewritten(bundle):
        value = json.loads((bundle / name).read_text())
        change(value)
        (bundle / name).write_text(json.dumps(value))

    return rewritten


@fault(44, "truncated or bit-flipped weights")
def _(desk):
    def flipped(bundle):
        content = bytearray((bundle / "model.safetensors").read_bytes())
        content[-5] ^= 1
        (bundle / "model.safetensors").write_bytes(content)

    def truncated(bundle):
        content = (bundle / "model.safetensors").read_bytes()
        (bundle / "model.safetensors").write_bytes(content[:-100])

    for change in (flipped, truncated):
        tampered(desk, change, "model.safetensors", "damaged", resign=False)
    tampered(desk, truncated, "do not fit together")


@fault(45, "vocabulary and model of different sizes")
def _(desk):
    change = rewrite("vocab.json", lambda vocabulary: vocabulary["words"].append("more"))
    tampered(desk, change, "do not fit together")


@fault(46, "newer format, or another tokenizer")
def _(desk):
    newer = rewrite("manifest.json", lambda manifest: manifest.update(format=99))
    tampered(desk, newer, "format 99 is newer", resign=False)
    other = rewrite("manifest.json", lambda manifest: manifest["libraries"].update(spacy="2.0.0"))
    tampered(desk, other, "spaCy 2.0.0", resign=False)


@fault(47, "pickle under the name of safetensors")
def _(desk):
    sprung = desk.folder / "sprung"

    class Trap:
        def __reduce__(self):
            return (open, (str(sprung), "w"))

    def disguised(bundle):
        (bundle / "model.safetensors").write_bytes(pickle.dumps(Trap()))

    tampered(desk, disguised, "do not fit together")
    assert not sprung.exists()


@fault(48, "a header that claims a terabyte")
def _(desk):
    def claiming(bundle):
        tensor = {"dtype": "F32", "shape": [1 << 38], "data_offsets": [0, 1 << 40]}
        header = json.dumps({"linear_weight": tensor}).encode()
        content = len(header).to_bytes(8, "little") + header
        (bundle / "model.safetensors").write_bytes(content)

    tampered(desk, claiming, "do not fit together")
    wide = rewrite("config.json", lambda config: config["recipe"]["network"].update(
        hidden_units=100_000, embedding_size=100_000, ensemble_size=1000
    ))  # fmt: skip
    tampered(desk, wide, "do not fit together")


@fault(49, "paths that lead out of the bundle")
def _(desk):
    for name in ("../config.json", "/etc/passwd"):
        change = rewrite("manifest.json", lambda manifest, name=name: manifest["sha256"].update(
            {name: "0" * 64}
        ))  # fmt: skip
        tampered(desk, change, "manifest.json", "other files", resign=False)

    def linked(bundle):
        (bundle / "vocab.json").rename(bundle.parent / "vocab.json")
        (bundle / "vocab.json").symlink_to(bundle.parent / "vocab.json")

    tampered(desk, linked, "vocab.json", resign=False)


@fault(80, "a bundle of nonsense under a manifest that fits")
def _(desk):
    def retyped(dtype):
        def rewritten(bundle):
            weights = load_file(bundle / "model.safetensors")
            save_file(
                {name: one.to(dtype) for name, one in weights.items()}, bundle / "model.safetensors"
            )

        return rewritten

    def overflowing(bundle):
        weights = load_file(bundle / "model.safetensors")
        weights["members.0.output.weight"] = weights["members.0.output.weight"] * 3e38
        save_file(weights, bundle / "model.safetensors")

    nonsense = [retyped(one) for one in (torch.bfloat16, torch.float64, torch.complex64)]
    nonsense += [
        overflowing,
        rewrite("vocab.json", lambda vocabulary: vocabulary["words"].__setitem__(4, "\ud800")),
        rewrite("vocab.json", lambda vocabulary: vocabulary.update(length=100_000)),
        rewrite("labels.json", lambda labels: labels.__setitem__(0, "\ud800")),
        rewrite("calibration.json", lambda calibration: calibration.update(temperature=5e-324)),
        rewrite("config.json", lambda config: config["summary"].pop("text fields")),
        rewrite("config.json", lambda config: config["summary"].update({"text fields": 2})),
        rewrite("labels.json", lambda labels: labels.__setitem__(0, "x" * 10_000_000)),
        rewrite("vocab.json", lambda vocabulary: vocabulary["words"].__setitem__(4, "x" * 1001)),
    ]
    nonsense += [
        rewrite(
            "vocab.json",
            lambda vocabulary, count=count: vocabulary["abbreviations"].update(
                phrases={"asthma stroke": count}
            ),
        )
        for count in (-10, 10**400)
    ]
    nonsense += [
        rewrite(
            "calibration.json",
            lambda calibration, wrong=wrong: calibration["held_out"].update(wrong),
        )
        for wrong in ({"gain": True}, {"top": [], "true": [], "correct": []})
    ]
    for change in nonsense:
        tampered(desk, change, "do not fit together")
    for number in (-5, "1", True):
        change = rewrite("manifest.json", lambda manifest, number=number: manifest.update(
            format=number
        ))  # fmt: skip
        tampered(desk, change, "not a bundle's manifest", resign=False)
    run = desk.folder / "of another run"
    shutil.copytree(desk.shared("dirty") / "run", run)
    shutil.rmtree(run / "bundle")
    shutil.copytree(desk.shared("accents") / "run" / "bundle", run / "bundle")
    before = contents(run)
    desk.refused(
        carried_out(report.main, "--run", run), "bundle", "of other classes", "train stage"
    )
    assert contents(run) == before


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
