"""Recurrent cells, one a file.

``cell.Cell`` says what a cell is. To add one, write its file and name it in ``CELL_CLASSES`` of
:mod:`textlstm.network_choices`.
"""
