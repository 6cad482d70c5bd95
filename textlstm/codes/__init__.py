"""Codes: the tree of a code book, whose leaves are classes and whose inner codes are their sums.

Public names:

- ``tree.CodeTree``: codes, levels, spans of leaves, most probable paths
- ``shipped.shipped_tree``: ICD-10 and ICD-10-CM
"""
