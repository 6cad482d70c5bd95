"""Orders of batches."""

import torch

from textlstm.encoding.batching import length_batches, shuffled_batches


def test_an_epoch_has_every_row_once_in_another_order_each_time():
    lengths = torch.randint(1, 9, (1000,), generator=torch.Generator().manual_seed(0))
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.cat(list(shuffled_batches(lengths, 32, generator))) for _ in range(2))
    assert sorted(first.tolist()) == list(range(1000))
    assert first.tolist() != second.tolist()


def test_texts_of_like_length_come_together():
    lengths = torch.arange(256) % 64
    batches = list(shuffled_batches(lengths, 8, torch.Generator().manual_seed(0)))
    spread = [int(lengths[rows].max() - lengths[rows].min()) for rows in batches]
    assert max(spread) <= 4


def test_an_incomplete_batch_can_be_left_out_unless_it_is_all():
    generator = torch.Generator().manual_seed(0)
    sizes = [len(rows) for rows in shuffled_batches(torch.ones(25), 10, generator, drop_last=True)]
    assert sizes == [10, 10]
    assert len(list(shuffled_batches(torch.ones(5), 10, generator, drop_last=True))) == 1


def test_every_row_is_taken_once_the_short_ones_first():
    rows = list(length_batches(torch.tensor([3, 1, 2]), 2))
    assert [part.tolist() for part in rows] == [[1, 2], [0]]
