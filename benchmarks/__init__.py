"""textlstm beside its peers, measured in one run; nothing here is needed to use it."""
