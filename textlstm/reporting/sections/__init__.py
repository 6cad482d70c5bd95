"""The questions that a report answers, one module each.

A module defines a subclass of ``section.Section``: what it measures, what of it may be shown, and
how that is shown as a table, a figure and a fragment of the page. A section, its figure, its table
and its template in ``templates/sections`` share one name. ``textlstm.reporting.report`` lists the
sections in their order.
"""
