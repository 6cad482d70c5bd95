"""The training state: starting weights. Saving and restoring it are in test_checkpoint."""

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.recipe import Recipe
from textlstm.training.state import Epoch, initial_ensemble

TEXTS = ["acute mi", "mi", "stroke", "acute stroke", "copd", "asthma", "fall", "gunshot wound"]


def test_members_share_word_vectors_and_differ_in_all_other_starting_weights():
    recipe = Recipe().with_fields(ensemble_size=2, embedding_init="lsa", max_ngrams=50)
    vocabulary = Vocabulary.fit(TEXTS, recipe.encoding)
    corpus = Corpus(vocabulary.encode(TEXTS), vocabulary)
    first, second = initial_ensemble(recipe, vocabulary, corpus, 3, seed=0).networks
    assert first.embedding.weight.equal(second.embedding.weight)
    assert not first.output.weight.equal(second.output.weight)


def test_an_epoch_is_a_row_of_the_history_and_a_line_of_the_log():
    train, validation = ({"loss": loss, "accuracy": 1 - loss} for loss in (0.5, 0.25))
    epoch = Epoch(3, 0.01, train, validation, best=True, seconds=1.5)
    assert list(epoch.to_dict().items()) == [
        ("number", 3), ("learning_rate", 0.01), ("train_loss", 0.5), ("train_accuracy", 0.5),
        ("validation_loss", 0.25), ("validation_accuracy", 0.75), ("best", True), ("seconds", 1.5),
    ]  # fmt: skip
    line = "epoch 3 of 9: loss 0.500, validation loss 0.250, validation accuracy 0.750"
    assert epoch.describe(9) == line
    assert epoch.describe_validation() == "loss 0.250, accuracy 0.750"
