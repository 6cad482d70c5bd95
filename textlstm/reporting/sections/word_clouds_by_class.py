"""Word clouds: the words of the training texts of each class."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from textlstm.data.records import texts_by_class
from textlstm.reporting.clouds import draw_clouds, public_words, single_clouds, word_table
from textlstm.reporting.sections.section import ReportInput, Section


@dataclass(frozen=True)
class PublicWordCloudsByClass:
    """The words of each class with their numbers of records, and the seed of the clouds."""

    words_by_class: Mapping[str, Mapping[str, int]]
    seed: int


class WordCloudsByClass(Section[PublicWordCloudsByClass]):
    """A word cloud for each class, the most frequent class first."""

    def public(self, source: ReportInput) -> PublicWordCloudsByClass:
        """Return the words that stand in enough records of their class to name no person."""
        words = {
            label: public_words(texts)
            for label, texts in texts_by_class(source.splits["train"]).items()
        }
        return PublicWordCloudsByClass(words, source.config.seed)

    def table(self, shown: PublicWordCloudsByClass) -> pd.DataFrame:
        """Return the words of each class with rounded numbers of records."""
        return word_table(shown.words_by_class)

    def figure(self, shown: PublicWordCloudsByClass) -> Figure | None:
        """Draw the clouds side by side."""
        return draw_clouds(shown.words_by_class, shown.seed)

    def single_pictures(self, figure: Figure) -> dict[str, bytes]:
        """Return the cloud of each class, which the page arranges by its width."""
        return single_clouds(figure)
