"""Word cloud: the words of the training texts."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from textlstm.data.distinct import interned
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.evaluation.outcomes import Sample
from textlstm.reporting.clouds import draw_cloud, public_words, word_table
from textlstm.reporting.sections.section import Caption, ReportInput, Section


@dataclass(frozen=True)
class PublicWordCloud:
    """The words of the training texts with their numbers of records, and the seed of the cloud."""

    words: Mapping[str, int]
    seed: int


class WordCloud(Section[PublicWordCloud]):
    """A word cloud of the training texts."""

    def public(self, source: ReportInput) -> PublicWordCloud:
        """Return the words that stand in enough records to name no person."""
        return PublicWordCloud(
            public_words(interned(source.splits["train"]["text"])), source.config.seed
        )

    def table(self, shown: PublicWordCloud) -> pd.DataFrame:
        """Return the words with rounded numbers of records; their class is empty."""
        return word_table({"": shown.words})

    def figure(self, shown: PublicWordCloud) -> Figure | None:
        """Draw the cloud."""
        return draw_cloud(shown.words, shown.seed)

    def caption(self, shown: PublicWordCloud, sample: Sample) -> Caption:
        """Say what the size of a word means, and which words are left out."""
        return Caption(
            "Word cloud of the training texts",
            "Words of the training texts. A larger word stands in more records. Stop words and "
            f"words in fewer than {SMALLEST_SHOWN} records are left out.",
            "cloud",
        )
