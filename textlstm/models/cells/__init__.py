"""Recurrent cells, one a file.

``cell.Cell`` says what a cell is; ``table.CELLS`` names the cells that a recipe can choose. To add
one, write its file, name it in the table, and add its name to the choices of the recipe's ``cell``.
"""
