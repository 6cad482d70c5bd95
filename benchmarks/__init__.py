"""Benchmarks: textlstm beside its peers, measured in one run; using textlstm needs none of it."""
