"""The report of a run: tables, figures and a self-contained page, small counts suppressed.

Each question of the report is a module of the package sections. Public names:

* ``report.measured_report``: measures a model on the holdout, for a ``report.Report``
* ``report.Report.write``: writes tables, figures, metrics and the page to the folder of a run
* ``evaluated_report.evaluated_report``: measures a model on records of another table
* ``report.CHAPTERS``: the sections of the report, in their order
* ``section.Section``: the base class of a section
* ``public``: counts and measures as they may be published
* ``drawing``, ``clouds``, ``tokens``: shared parts of figures, word clouds, figures of single texts
* ``explanation.explain_records``: explanations of single records, as a table or for the page
* ``explain_page.render_explanations``: the page that explains single records
"""
