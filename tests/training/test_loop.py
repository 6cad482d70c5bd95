import math
import tracemalloc

import numpy as np
import pytest
import torch

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.encoded import EncodedTexts, read_encoded, write_encoded
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.fitting import train_bundle
from textlstm.models.logits import predict_logits, resolve_device
from textlstm.models.network import Network
from textlstm.recipe import Recipe, load_recipe
from textlstm.storage import arrays
from textlstm.training import folds
from textlstm.training.folds import (
    as_examples,
    assign_folds,
    out_of_fold_labels,
    out_of_fold_logits,
)
from textlstm.training.loop import fit, initial_ensemble
from textlstm.training.optim import clip_gradients, make_optimizer, make_schedule
from textlstm.uncertainty.calibration import apply_temperature, calibrated_loss, fit_temperature

CPU = torch.device("cpu")
TEXTS = ["acute mi", "mi", "stroke", "acute stroke", "copd", "asthma", "fall", "gunshot wound"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 2, 2])
QUICK = Recipe().with_fields(learning_rate=0.02, batch_size=4, epochs=40)


def trained(recipe, texts=TEXTS, labels=LABELS, weights=None, validation=(TEXTS, LABELS), seed=0):
    """An ensemble, what it was trained on, and the epochs; by default validation is training."""
    encoding = Vocabulary.fit(texts, recipe.encoding)
    every = encoding.encode([*texts, *validation[0]])
    held = np.arange(len(every)) >= len(texts)
    weights = None if weights is None else np.concatenate([weights, np.ones(len(validation[0]))])
    examples = as_examples(every, np.concatenate([labels, validation[1]]), encoding, held, weights)
    ensemble = initial_ensemble(recipe, encoding, examples.corpus, 3, seed)
    epochs = list(fit(ensemble, examples, recipe.training, seed, CPU))
    return ensemble, examples.corpus.select(torch.arange(len(texts))), epochs


@pytest.mark.parametrize("name", ["default", "okut-table2"])
def test_each_recipe_can_learn_eight_records_by_heart(name):
    recipe = load_recipe(name).with_fields(epochs=60, batch_size=4, learning_rate=0.01, patience=0)
    network, corpus, epochs = trained(recipe)
    assert predict_logits(network, corpus, CPU).argmax(1).tolist() == LABELS.tolist()
    assert epochs[-1].train_loss < epochs[0].train_loss


def test_one_seed_gives_one_network_and_leaves_torchs_own_chance_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    recipe = QUICK.with_fields(epochs=3, dropout=0.3, ensemble_size=3)
    first, second, other = (trained(recipe, seed=seed)[0].state_dict() for seed in (1, 1, 2))
    assert torch.rand(1) == expected
    assert all(first[name].equal(second[name]) for name in first)
    assert not first["members.0.output.weight"].equal(other["members.0.output.weight"])
    assert not first["members.0.output.weight"].equal(first["members.1.output.weight"])


def test_the_best_epoch_is_restored_where_asked():
    # Validation labels that contradict training: the loss rises as the network learns.
    wrong = (TEXTS, (LABELS + 1) % 3)
    for restore in (True, False):
        recipe = QUICK.with_fields(restore_best=restore, epochs=15)
        network, corpus, epochs = trained(recipe, validation=wrong)
        logits = predict_logits(network, corpus, CPU).numpy()
        loss = calibrated_loss(logits, wrong[1], fit_temperature(logits, wrong[1]))
        losses = [epoch.validation_loss for epoch in epochs]
        assert loss == pytest.approx(min(losses) if restore else losses[-1])
        assert losses[-1] > min(losses)
        assert [epoch.number for epoch in epochs if epoch.best][-1] == 1 + int(np.argmin(losses))


def test_training_stops_when_patience_is_over():
    wrong = (TEXTS, (LABELS + 1) % 3)
    _, _, epochs = trained(QUICK.with_fields(patience=2), validation=wrong)
    assert [epoch.best for epoch in epochs[-2:]] == [False, False]
    assert len(epochs) < 40


def test_an_infinite_loss_is_told_with_what_to_do():
    with pytest.raises(InputError, match="--learning-rate"):
        trained(QUICK.with_fields(learning_rate=1e38, max_grad_norm=0.0))


def test_a_weight_counts_like_so_many_records():
    # One text with two labels: its probability must become the share of the weights.
    labels, weights = np.array([0, 0, 1, 1]), np.array([3.0, 3.0, 1.0, 1.0])
    validation = (["a"] * 4, np.array([0, 0, 0, 1]))
    network, corpus, _ = trained(QUICK, ["a"] * 4, labels, weights, validation)
    probabilities = apply_temperature(predict_logits(network, corpus, CPU).numpy(), 1.0)
    assert probabilities[0, 0] == pytest.approx(0.75, abs=0.05)


def parameters_with_gradients():
    first, second = (torch.nn.Parameter(torch.zeros(n)) for n in (4, 9))
    first.grad, second.grad = torch.full((4,), 10.0), torch.full((9,), 1.0)  # norms 20 and 3
    return first, second


def test_the_chapters_clip_takes_each_parameter_by_itself():
    config = load_recipe("okut-table2").training
    first, second = parameters_with_gradients()
    clip_gradients([first, second], config)
    assert float(first.grad.norm()) == pytest.approx(8.0, rel=1e-5)
    assert second.grad.tolist() == [1.0] * 9


def test_a_global_clip_keeps_the_direction():
    config = Recipe().with_fields(max_grad_norm=1.0, clip_scope="global").training
    first, second = parameters_with_gradients()
    clip_gradients([first, second], config)
    assert math.hypot(first.grad.norm(), second.grad.norm()) == pytest.approx(1.0, rel=1e-4)
    assert float(first.grad[0] / second.grad[0]) == pytest.approx(10.0)


def test_only_matrices_decay():
    network = Network(Recipe().network, 9, 3)
    optimizer = make_optimizer(network, Recipe().with_fields(weight_decay=0.1).training)
    matrices, biases = optimizer.param_groups
    assert (matrices["weight_decay"], biases["weight_decay"]) == (0.1, 0.0)
    assert {p.ndim for p in matrices["params"]} == {2} and {p.ndim for p in biases["params"]} == {1}


def test_members_start_alike_only_where_they_should():
    recipe = Recipe().with_fields(ensemble_size=2, embedding_init="lsa", max_ngrams=50)
    encoding = Vocabulary.fit(TEXTS, recipe.encoding)
    corpus = Corpus(encoding.encode(TEXTS), encoding)
    first, second = initial_ensemble(recipe, encoding, corpus, 3, seed=0).networks
    assert first.embedding.weight.equal(second.embedding.weight)
    assert not first.output.weight.equal(second.output.weight)


def test_a_member_does_not_depend_on_the_others():
    recipe = QUICK.with_fields(epochs=2, dropout=0.3, restore_best=False)
    alone, beside = (trained(recipe.with_fields(ensemble_size=n))[0].networks[0] for n in (1, 2))
    assert alone.output.weight.equal(beside.output.weight)


def with_validation(texts, n_validation, split="stratified"):
    encoding = Vocabulary.fit(texts, Recipe().encoding)
    labels = np.arange(len(texts)) % 2
    held = np.arange(len(texts)) >= len(texts) - n_validation
    return as_examples(encoding.encode(texts), labels, encoding, held, split=split)


def test_each_member_leaves_out_another_part():
    examples = assign_folds(with_validation(["a", "b"] * 50, 10), members=4, seed=0)
    left = [set(examples.validation_rows(member).tolist()) for member in range(4)]
    assert left[0] == set(range(90, 100))
    assert [len(part) for part in left] == [10] * 4
    assert len(set.union(*left)) == 40
    for member, part in enumerate(left):
        assert set(examples.training_rows(member).tolist()) == set(range(100)) - part
    again = assign_folds(with_validation(["a", "b"] * 50, 10), members=4, seed=0)
    assert again.folds.equal(examples.folds)
    assert examples.labels[examples.validation_rows(1)].float().mean() == 0.5


def test_parts_keep_equal_texts_together_if_validation_does():
    texts = [f"w{number // 4}" for number in range(80)]
    examples = assign_folds(with_validation(texts, 8, "grouped"), members=3, seed=1)
    for member in range(3):
        left, learned = examples.validation_rows(member), examples.training_rows(member)
        places = examples.corpus.inverse
        assert not set(places[left].tolist()) & set(places[learned].tolist())
        assert len(left)


@pytest.mark.parametrize("texts", [["a", "b"] * 3, list("abcdef"), ["a", "a", "b", "b", "c", "d"]])
def test_few_records_are_left_out_by_several_members(texts):
    examples = assign_folds(with_validation(texts, 2), members=9, seed=0)
    for member in range(9):
        assert len(examples.validation_rows(member)) and len(examples.training_rows(member))
    assert examples.validation_rows(int(examples.folds.max()) + 1).equal(
        examples.validation_rows(0)
    )


@pytest.mark.parametrize("split", ["stratified", "grouped"])
def test_of_very_many_records_some_are_divided_and_some_judge(monkeypatch, split):
    monkeypatch.setattr(folds, "MAX_FOLD_RECORDS", 6)
    monkeypatch.setattr(folds, "MAX_ASSIGNED_RECORDS", 60)
    texts = [f"w{number // 4}" for number in range(120)]
    examples = assign_folds(with_validation(texts, 24, split), members=3, seed=1)
    places = examples.corpus.inverse
    for member in range(3):
        left, learned = examples.validation_rows(member), examples.training_rows(member)
        assert 0 < len(left) <= 6 and (examples.folds[left] == member).all()
        assert not set(left.tolist()) & set(learned.tolist())
        if split == "grouped":
            assert not set(places[left].tolist()) & set(places[learned].tolist())
    assert (examples.folds == 0).sum() == 24  # not trained on, though few of them judge
    assert left.equal(examples.validation_rows(2))


def test_some_of_the_records_are_what_they_were():
    examples = assign_folds(with_validation(["a", "b c", "d", "c"] * 20, 20), members=2, seed=0)
    some = examples.sample(10, seed=0)
    assert len(some.labels) == len(some.corpus.inverse) == 10
    rows = torch.from_numpy(folds.subsample(80, 10, seed=0))
    read, whole = some.corpus, examples.corpus
    assert read.text_ids[read.inverse].equal(whole.text_ids[whole.inverse[rows]])
    assert some.labels.equal(examples.labels[rows]) and some.folds.equal(examples.folds[rows])
    every = examples.sample(80, seed=0)
    assert every.corpus.text_ids.equal(whole.text_ids) and every.corpus.inverse.equal(whole.inverse)


def test_records_in_files_teach_the_same(monkeypatch):
    recipe = load_recipe("default").with_fields(epochs=2, batch_size=4, class_weight="balanced")
    texts, labels = [f"{text} {extra}" for text in TEXTS for extra in "abc"], LABELS.repeat(3)
    encoding = Vocabulary.fit(texts, recipe.encoding)

    def examples():
        out_of_fold = np.arange(24) % 3 == 0
        return as_examples(encoding.encode(texts), labels, encoding, out_of_fold)

    def weights():
        found = train_bundle(
            recipe, encoding, tuple("abc"), examples(), seed=0, device=CPU, on_epoch=lambda _: None
        )
        return found.network.state_dict()

    expected = weights()
    monkeypatch.setattr(arrays, "MEMMAP_FROM", 0)
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 5)
    files, nameless = [], arrays.unlinked_file
    monkeypatch.setattr(arrays, "unlinked_file", lambda: files.append(1) or nameless())
    found = weights()
    assert len(files) > 20
    assert all(found[name].equal(expected[name]) for name in expected)


def test_encoded_records_may_be_larger_than_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MEMMAP_FROM", 1 << 16)
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 1 << 8)
    words = ("<pad>", "<unk>", *(f"w{number}" for number in range(50)))
    encoding, n = Vocabulary(words, 100, "right"), 20_000
    ids = np.random.default_rng(0).integers(2, 52, (n, 100), dtype=np.int32)
    texts = EncodedTexts(ids, np.arange(n, dtype=np.int32), (), len(words))
    path = tmp_path / "part.arrow"
    write_encoded(path, texts, np.arange(n) % 2)
    tracemalloc.start()
    read, labels = read_encoded(path)
    out_of_fold = np.arange(n) >= n - 100
    examples = assign_folds(as_examples(read, labels, encoding, out_of_fold), members=1, seed=0)
    learned = examples.training_rows(0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(learned) == n - 100 and len(examples.corpus.text_ids) == n
    assert peak < path.stat().st_size / 4


def test_what_was_left_out_is_judged_by_who_left_it_out():
    examples = assign_folds(with_validation(["a", "b c", "d"] * 20, 6), members=2, seed=0)
    labels, weights, places = out_of_fold_labels(examples, 2)
    rows = torch.cat([examples.validation_rows(0), examples.validation_rows(1)])
    assert labels.tolist() == examples.labels[rows].tolist() and weights.tolist() == [1.0] * 12

    def first_words(batch, member):
        return member * 100.0 + batch.words[batch.ids[:, :1]].expand(-1, 3)

    answers = [lambda batch, member=member: first_words(batch, member) for member in (1, 2)]
    found = out_of_fold_logits(answers, examples, CPU)
    assert len(found) == 6  # three texts for each member, however many records have them
    corpus = examples.corpus
    words = corpus.words[corpus.text_ids[corpus.inverse[rows], 0]].tolist()
    members = [100.0] * 6 + [200.0] * 6
    expected = [member + word for member, word in zip(members, words, strict=True)]
    assert found[places, 0].tolist() == expected


def test_one_cycle_rises_and_falls():
    config = Recipe().with_fields(schedule="one_cycle", learning_rate=0.01).training
    optimizer = make_optimizer(torch.nn.Linear(2, 2), config)
    schedule = make_schedule(optimizer, config, 10)
    rates = []
    for _ in range(10):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(0.01, rel=0.05)
    assert rates[0] < max(rates) > rates[-1]


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta?"])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(InputError, match="--device"):
        resolve_device(name)


def test_auto_finds_a_device():
    assert resolve_device("auto").type in ("cpu", "cuda")


def test_a_record_is_fourteen_bytes_and_a_repeated_text_nothing():
    examples = assign_folds(with_validation(["a", "b c"] * 50, 10), members=2, seed=0)
    of_records = (examples.corpus.inverse, examples.labels, examples.weights, examples.folds)
    assert [len(one) for one in of_records] == [100] * 4
    assert sum(one.element_size() for one in of_records) == 14
    tensors = [one for one in vars(examples.corpus).values() if isinstance(one, torch.Tensor)]
    assert [len(one) for one in tensors].count(100) == 1 and len(examples.corpus.text_ids) == 2
