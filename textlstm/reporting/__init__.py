"""The report of a run: tables, figures and a self-contained page, small counts suppressed.

Each question of the report is a module of the package sections. Public names:

* ``report.measured_report``: measures a model on the holdout, for a ``report.Report``
* ``report.Report.write``: writes tables, figures, metrics and the page to the folder of a run
* ``evaluated_report.evaluated_report``: measures a model on records of another table
* ``report.CHAPTERS``: the sections of the report, in their order
* ``section.Section``: the base class of a section
* ``public``: counts and measures as they may be published
* ``drawing``, ``clouds``, ``tokens``: shared parts of figures, word clouds, figures of single texts
* ``figures.draw_cloud``, ``figures.draw_clouds``, ``figures.draw_training_progress``,
  ``figures.draw_words_taken_away``, ``figures.draw_workload``, ``figures.draw_workload_by_class``,
  ``figures.draw_workload_curves``, ``figures.activation_map``, ``figures.token_gates``: figures for
  notebooks
* ``explanation.explain_records``: explanations of single records, as a table or for the page
* ``explain_page.render_explanations``: the page that explains single records
"""
