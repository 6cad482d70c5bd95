"""The questions that a report answers, one module each.

A module defines a subclass of ``section.Section``: what it measures, what of it may be shown, and
how that is shown as a table, a figure and a fragment of the page. A section, its figure and its
table have the name of the module; so has its template in ``templates/sections``, where the page
shows more than sentences and a figure. ``report.CHAPTERS`` lists the sections in their order.
"""
