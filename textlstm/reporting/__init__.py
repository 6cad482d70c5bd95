"""The report of a run: tables, figures and a self-contained page, small counts suppressed.

Each question of the report is a module in ``sections``. Public names:

* ``report.Report``: measures every section, and writes the report to the folder of a run
* ``report.CHAPTERS``: the sections of the report, in their order
* ``sections.section.Section``: the base class of a section
* ``public``: counts and measures as they may be published
* ``drawing``, ``clouds``, ``tokens``: what figures share, word clouds, pictures of single texts
* ``explain_page.render_explanations``: the page that explains single records
"""
