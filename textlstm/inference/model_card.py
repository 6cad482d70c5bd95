"""The model card: the README.md of a bundle."""

from typing import Any

from textlstm.errors import visible
from textlstm.inference.bundle_files import PLAIN, UNCODABLE, UNKNOWN_WORDS
from textlstm.uncertainty.intervals import tenths


def in_words(name: str, value: Any) -> str:
    """Write a value of the summary for a reader: names in a row, shares in percent.

    >>> in_words("text columns", ["cause", "other"]), in_words(UNKNOWN_WORDS, 0.0625)
    ('cause, other', '6.2 %')
    """
    if isinstance(value, list):
        return ", ".join(map(plain_text, value))
    return tenths(value) if name in (UNKNOWN_WORDS, UNCODABLE) else plain_text(value)


def plain_text(value: Any) -> str:
    """Return a value for the card: as code where it might be a link or HTML to Markdown.

    >>> plain_text("year of death"), plain_text("`![x](http://a)`"), plain_text("")
    ('year of death', "`'![x](http://a)'`", '` `')
    """
    text = visible(str(value))
    words = bool(PLAIN.fullmatch(text))
    return text if words else f"`{text.replace('`', chr(39)) or ' '}`"


CARD = """# A textlstm classifier

Embedding + {cell} networks that give short medical texts one of {classes} classes, with
probabilities calibrated by a temperature of {temperature:.3f}. They read {length} tokens of a text
and know {words} words, each of at least {min_records} training records, rarer ones by hashes alone.

## Made from

{facts}

## Use

Load it with `TextLSTMClassifier.load(folder)`, or give the run's folder to
`python -m pipelines.predict`. It codes texts like those it was trained on; records it is unsure of
belong before a person. How well it does is in the `metrics.json` of its run.

## Recipe

```json
{recipe}
```
"""
