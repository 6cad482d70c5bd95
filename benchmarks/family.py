"""The family of recurrent networks: every recipe of one network, on the same holdouts.

    python -m benchmarks.family --data FILE --text COL [COL ...] --label COL [--seeds 0 1 2]
                                [--models NAME ...] [--keep FILE]

Prints a table as `benchmarks.peers` does. Each difference is `bilstm` minus the recipe; recipes
differ from `bilstm` in their cell, their layers or their pooling alone.
"""

from benchmarks.comparison import Models, command, textlstm
from textlstm.recipe import load_recipe, shipped_recipes

PLAIN = "bilstm"

MODELS: Models = {
    name: ("textlstm", textlstm(name))
    for name in shipped_recipes()
    if load_recipe(name).network.ensemble_size == 1 and name != "okut-table2"
}

if __name__ == "__main__":
    command(__doc__, MODELS, PLAIN)
