import re

import numpy as np
import pytest
from browser import DARK, LIGHT, needs_axe, needs_browser, opened, violations, without_policy
from report_source import ALL, DECISIONS, EQUAL, METRICS, NONE, page_of, source_of

from textlstm.config import DataConfig, RunConfig
from textlstm.evaluation.bootstrap import Estimate
from textlstm.evaluation.subgroups import GroupMeasures
from textlstm.models.cells.lstm import LSTM
from textlstm.recipe import Recipe, load_recipe
from textlstm.reporting.clouds import draw_clouds, single_clouds
from textlstm.reporting.drawing import png
from textlstm.reporting.explain_page import PageAnswer, PageRecord, render_explanations
from textlstm.reporting.page import Pictures
from textlstm.reporting.sections.confusion import Confusion
from textlstm.reporting.sections.per_class import PerClass, PublicPerClass
from textlstm.reporting.sections.verdict import verdict
from textlstm.reporting.sections.words_taken_away import draw_words_taken_away
from textlstm.reporting.sections.workload_by_class import draw_workload_by_class
from textlstm.reporting.sections.workload_curves import draw_workload_curves
from textlstm.text.spans import Span
from textlstm.uncertainty.intervals import Proportion

HOSTILE = "<script>alert('x')</script>"


def test_hostile_labels_columns_and_file_names_are_escaped():
    config = RunConfig(DataConfig(data=f"{HOSTILE}.csv", text=(HOSTILE + "1",), label=HOSTILE))
    sets = [DECISIONS["sets"][0] | {"per_class": {HOSTILE: ALL}}]
    metrics = METRICS | {
        "per_class": {HOSTILE: METRICS["per_class"]["a"]},
        "per_class_intervals": {HOSTILE: METRICS["per_class_intervals"]["a"]},
        "deciding_words": {HOSTILE: [(HOSTILE, 1.0)]},
        "decisions": DECISIONS | {"sets": sets},
    }
    page = page_of(metrics, config, pictures={"confusion": b"png"})
    assert "<script" not in page and page.count("&lt;script&gt;") >= 5


def test_the_share_that_the_model_cannot_code_stands_on_the_first_screen():
    for records, share, shown in ((300, 0.12, "12.0\u00a0% of the records"),
                                  (3, None, "Fewer than 10 records")):  # fmt: skip
        uncodable = {"records": records, "share": share}
        metrics = METRICS | {"data": METRICS["data"] | {"uncodable": uncodable}}
        first, _, _ = page_of(metrics).partition("<section")
        assert shown in first and "75.0\u00a0% of all records" in first
    assert "cannot give" not in page_of()


def test_a_clear_winner_is_marked_and_missing_values_are_dashes():
    page = page_of()
    row = page.split("log loss<br>")[1].split("</tr>")[0]
    assert 'class="best">0.4000' in row and page.count('class="best"') == 1
    within_chance = METRICS | {"differences": dict.fromkeys(METRICS["differences"], EQUAL)}
    assert 'class="best"' not in page_of(within_chance)
    assert "–" in page.split("accuracy, unseen texts<br>")[1].split("</tr>")[0]
    assert all(line in page for line in verdict(METRICS)) and len(verdict(METRICS)) == 4
    assert "there is no cloud" in page
    assert "of the network by 1.25" in page
    assert "0.6250 to 0.5000 nats" in page and "25.0\u00a0% to 50.0\u00a0%" in page
    assert 'data-head="precision">1.000\n(0.875–1.000)</td>' in page
    assert page.count("It is kept.") == 2
    assert '">75.0\u00a0%\n(0.0–100.0)</td><td data-head="of it wrong">–</td>' in page


def test_where_no_confusion_may_be_shown_the_page_says_where_they_are():
    for confusion, expected in (([[30, 2], [0, 4]], True), ([[30, 12], [0, 4]], False)):
        page = page_of(confusion=confusion)
        assert ("No number of confusions between two classes may be shown" in page) == expected
        assert "tables/confusion.csv" in page


def test_the_contents_name_every_section_by_its_term():
    page = page_of(made="Run of 2026-02-03 with 0.1.0.")
    contents = dict(re.findall('<li><a href="#([a-z]+)">(.*?)</a>', page))
    sections = re.findall(r'<section id="([a-z]+)"[^>]*>\s*<h2>(.*?)</h2>', page)
    assert sections == list(contents.items())
    terms = (
        "confusion matrix, calibration, reliability, feature attribution, robustness, prediction "
        "sets, conformal, precision, recall, F1, workload, risk-coverage curve, subgroups, word "
        "clouds, training progress"
    )
    for term in terms.split(", "):
        assert sum(term.lower() in title.lower() for title in contents.values()) >= 1, term
    assert page.index("Run of 2026-02-03 with 0.1.0.") < page.index("</header>")


def test_what_scrolls_can_be_reached_and_has_a_name_of_its_own():
    page = page_of(pictures={"confusion": b"png"})
    scrolled = re.findall('class="scroll"([^>]*)>', page)
    assert len(scrolled) == 5 and len(set(scrolled)) == 5
    assert all(re.match(' role="region" tabindex="0" aria-label="..+"', one) for one in scrolled)


def test_deciding_words_have_bars_to_one_scale():
    page = page_of(METRICS | {"faithfulness": {"sentence": "They do."}})
    assert (
        "<caption>b</caption>" in page
        and '<td>stroke</td><td><svg class="bar"><rect width="50.0%"' in page
    )
    assert "They do." in page and "All are in use." in page
    assert "<h2>Feature attribution: which words decide</h2>" in page and "copd" in page
    none = page_of(METRICS | {"deciding_words": {}})
    most = "add most to the log probability of each class"
    assert most in page and most not in none and "They do." not in none
    assert "fewer than 10 labels of the holdout may be wrong" in none


def test_small_counts_are_not_shown():
    page = page_of()
    assert "<dd>fewer than 10: empty text</dd>" in page and "rare class" not in page
    assert "leaves fewer than 10 out" in page
    assert "<dt>read</dt><dd>1,500 distinct texts" in page and "rows is not shown" in page
    assert "<td>b</td>" not in page and page.count("1 class is left out.") == 1
    pictured = page_of(pictures={"per_class": b"png"})
    assert pictured.count("1 class is left out.") == 2


def test_the_change_that_costs_most_is_said():
    changes = {
        "one typo": {"records": 90, "before": 0.5, "after": 0.4},
        "words shuffled": {"records": 80, "before": 0.9, "after": 0.7},
    }
    page = page_of(METRICS | {"robustness": changes})
    assert "The change that costs most: words shuffled." in page
    assert (
        "90.0\u00a0% are given the right label" in page and "70.0\u00a0% after the change" in page
    )
    harmless = {"one typo": {"records": 90, "before": 0.5, "after": 0.5}}
    page = page_of(METRICS | {"robustness": harmless})
    assert "costs most" not in page


@pytest.mark.parametrize(
    ("config", "flags"),
    [
        (RunConfig(recipe=load_recipe("default")), "--seed 0 --recipe default</pre>"),
        (RunConfig(DataConfig(label="cause of death")), "--label &#39;cause of death&#39;"),
        (RunConfig(DataConfig(text=("a", "b"))), "--text a b"),
        (RunConfig(recipe_name="okut-table2"), "--recipe okut-table2"),
        (
            RunConfig(DataConfig(data="/home/me/records.csv")),
            "--data records.csv",
        ),
        (RunConfig(DataConfig(data="hub:owner/name")), "--data hub:owner/name"),
        (RunConfig(DataConfig(abbreviations="../mine/short.csv")), "--abbreviations short.csv"),
    ],
)
def test_the_page_tells_how_to_make_it_again(config, flags):
    assert flags in page_of(config=config)


def test_fields_that_differ_from_the_recipe_are_told():
    recipe = Recipe().with_fields(epochs=77, bidirectional=False)
    page = page_of(config=RunConfig(recipe=recipe, recipe_name="gone.toml"))
    assert "--epochs 77" in page and "--no-bidirectional" in page


def explanations(**more):
    """A page of explanations of a record and of one without words."""
    gates = dict.fromkeys(("forward_input_gate", "forward_forget_gate", "forward_cell"), None)
    tokens = [
        {"token": word, "read_as": read_as, "attribution": gain, "second_attribution": -gain}
        | gates
        for word, read_as, gain in (
            (HOSTILE, "", -0.5),
            ("thromboembolism" * 5, "", 1.0),
            ("of", HOSTILE, 0.01),
        )
    ]
    pieces = [Span(f"{HOSTILE}\r\n", -0.5), Span(" \x1b"), Span("Acute", 1.0), Span("of", 0.01)]
    fields = [(HOSTILE, pieces), ("b", [])]
    answers = [PageAnswer(HOSTILE, 0.9, fields, words) for words in ([("ab" * 50, 1.0)], [])]
    record = PageRecord(HOSTILE, tokens, answers, unread=1, largest=1.0, picture=PIXEL)
    return render_explanations(RunConfig(), [record, PageRecord("2")], **more)


PIXEL = png(draw_words_taken_away({"highest": [1.0], "random": [1.0]}))


def test_explanations_escape_what_records_and_labels_say():
    for page in (explanations(), explanations(member=1, cell=LSTM)):
        assert "<script" not in page and page.count("&lt;script&gt;") >= 10
        assert "\x1b" not in page and "\\x1b" in page
        assert "-0.500" in page and "This record has no word." in page
        assert "No word speaks for it." in page


def test_words_are_marked_where_they_stand_the_stronger_the_more_they_add():
    page = explanations()
    assert '<mark class="for for4">Acute</mark>of</p>' in page
    assert "</script&gt;\n</mark>" in page.replace("&lt;/script", "</script")
    assert page.count('<mark class="against against2">&lt;script') == 2
    assert "reads the first 2 words" in page and "All others add nothing: 1." in page


def test_gates_are_shown_where_they_are_asked_for():
    assert "gate" not in explanations() and "<img" not in explanations()
    page = explanations(member=2, cell=LSTM)
    assert "forget gate" in page and "network 2" in page and page.count("<img") == 1


# ---------------------------------------------------------------------- on a phone, on paper


@pytest.fixture(scope="module")
def many_classes():
    """The page of a run of 31 classes with long names, with the pictures that grow with them."""
    labels = [f"Motorized vehicle, {'pedestrian ' * (n % 3)}{n}" for n in range(31)]
    curve = {"share": [0.5, 1.0], "error": [0.0, 0.1], "low": [0.0, 0.0], "high": [0.1, 0.2]}
    rows = {label: {"coded": ALL, "error": ALL} for label in labels}
    promise = DECISIONS["promises"][0] | {"per_class": rows}
    share, nothing = Proportion(**ALL), Proportion(**NONE)
    measures = dict.fromkeys(labels, METRICS["per_class"]["a"])
    bounds = dict.fromkeys(labels, METRICS["per_class_intervals"]["a"])
    metrics = METRICS | {
        "per_class": measures,
        "per_class_intervals": bounds,
        "decisions": DECISIONS
        | {"sets": [DECISIONS["sets"][0] | {"per_class": dict.fromkeys(labels, ALL)}]},
        "deciding_words": {label: [("thromboembolism", 1.0)] for label in labels},
        "subgroups": {
            "sex": {
                "F": GroupMeasures(1000, share, Estimate(0.1, 0.0, 0.2), share, nothing)
            }
        },
    }  # fmt: skip
    source = source_of(metrics, confusion=30 * np.eye(31, dtype=int))
    figures = {
        "per_class": PerClass().figure(PublicPerClass(measures, bounds)),
        "confusion": Confusion().figure(Confusion().public(source)),
        "workload_curves": draw_workload_curves(dict.fromkeys(labels, curve), promise),
        "workload_by_class": draw_workload_by_class(promise),
    }
    clouds = draw_clouds({label: {"thromboembolism": 20} for label in labels}, 0)
    pictures = {name: png(figure) for name, figure in figures.items()}
    single = {"word_clouds_by_class": single_clouds(clouds)}
    return page_of(metrics, pictures=Pictures(pictures, single))


def test_each_class_has_its_cloud_and_each_number_its_head(many_classes):
    assert many_classes.count('alt="Word cloud of class Motorized vehicle, ') == 31
    tables = re.findall(r'<table class="stacked">.*?</table>', many_classes, re.DOTALL)
    cells = [re.findall("<td([^>]*)>", row) for table in tables for row in table.split("<tr>")]
    assert len(tables) == 5 and sum(map(len, cells)) > 31 * 5
    assert all("data-head" in cell for row in cells for cell in row[1:])


MEASURE = """
<script>
document.documentElement.style.width = "WIDTH";
const all = [...document.querySelectorAll("main *:not(.wide)")];
const right = Math.max(...all.map(one => one.getBoundingClientRect().right));
const tall = [...document.querySelectorAll("figure, tr, pre, .tiles")];
const heights = tall.map(one => one.getBoundingClientRect().height * 25.4 / 96);
const kept = tall.every(one => getComputedStyle(one).breakInside == "avoid");
document.title = `${Math.round(right)} ${Math.round(Math.max(...heights))} ${kept}`;
</script>
"""
"""Says how far to the right anything reaches, in pixels, and what may not be broken, in mm."""


def measured(page, folder, width, *flags):
    """Return the right end of all in pixels, the tallest thing in mm, and if all are kept whole."""
    path = folder / "measured.html"
    path.write_text(
        without_policy(page).replace("</body>", MEASURE.replace("WIDTH", width) + "</body>")
    )
    dom, console = opened(path, folder, *flags)
    right, tallest, kept = re.search("<title>(.*)</title>", dom)[1].split()
    assert not console
    return int(right), int(tallest), kept == "true"


@needs_browser
@pytest.mark.parametrize("scheme", [DARK, LIGHT])
def test_nothing_is_wider_than_a_phone_but_pictures_that_are_swiped(many_classes, tmp_path, scheme):
    # Chromium's own windows are of 500 pixels or more; the page is narrowed to 390 within.
    narrow = "--window-size=500,800", scheme
    assert measured(many_classes, tmp_path, "390px", *narrow)[0] <= 390
    assert many_classes.count("Swipe the picture sideways.") == 1  # 31 classes, told apart
    # Tables whose rows did not become blocks would be seen.
    careless = many_classes.replace('class="stacked"', "")
    assert measured(careless, tmp_path, "390px", *narrow)[0] > 390


@needs_browser
def test_explanations_of_long_words_fit_a_phone(tmp_path):
    narrow = "390px", "--window-size=500,800"
    assert measured(explanations(), tmp_path, *narrow)[0] <= 390
    careless = explanations().replace("overflow-wrap: anywhere", "")
    assert measured(careless, tmp_path, *narrow)[0] > 390


@needs_browser
def test_no_picture_and_no_row_is_broken_over_pages_of_paper(many_classes, tmp_path):
    # What a page of A4 or of letter size holds, between margins of 15 mm and 14 mm.
    width, height = "182mm", 279 - 2 * 15
    paper = many_classes.replace("@media print", "@media all")
    right, tallest, kept = measured(paper, tmp_path, width, "--window-size=1000,1000")
    assert right <= 688 and tallest <= height and kept
    careless = paper.replace("width: auto; max-width: 112mm; max-height: 205mm", "max-width: none")
    assert measured(careless, tmp_path, width, "--window-size=1000,1000")[1] > height


ORDER = """
<script>
document.documentElement.style.width = "182mm";
const top_of = name => document.querySelector(".drawn " + name).getBoundingClientRect().top;
const rows = [...document.querySelectorAll(".drawn tbody tr")];
const short = rows.filter(row => row.getBoundingClientRect().height < 25);
const figure = getComputedStyle(document.querySelector(".drawn figure"));
const first = figure.display == "none" || top_of("table") < top_of("figure");
document.title = `${first} ${2 * short.length > rows.length}`;
</script>
"""


@needs_browser
# Some of the 31 names need two lines themselves: how many, the fonts decide.
@pytest.mark.parametrize(
    ("media", "many", "said"),
    [("all", False, "true true"), ("all", True, "true true"), ("print", True, "false false")],
)
def test_on_paper_a_class_is_a_line_and_its_table_stands_first(
    many_classes, tmp_path, media, many, said
):
    paper = without_policy(many_classes).replace("@media print", f"@media {media}")
    if not many:  # the picture is shown, too
        paper = paper.replace('class="drawn many"', 'class="drawn"')
    (tmp_path / "page.html").write_text(paper.replace("</body>", ORDER + "</body>"))
    dom, _ = opened(tmp_path / "page.html", tmp_path, "--window-size=1000,1000")
    assert re.search("<title>(.*)</title>", dom)[1] == said


# ---------------------------------------------------------------------- by axe


@needs_axe
@pytest.mark.parametrize(("width", "scheme"), [(400, DARK), (1200, LIGHT)])
def test_axe_finds_nothing_wrong_with_the_report(many_classes, tmp_path, width, scheme):
    assert violations(many_classes, tmp_path, width, scheme) == []


@needs_axe
def test_axe_finds_nothing_wrong_with_explanations(tmp_path):
    assert violations(explanations(member=1, cell=LSTM), tmp_path, 400, DARK) == []


@needs_axe
def test_axe_would_find_what_cannot_be_reached(many_classes, tmp_path):
    found = violations(many_classes.replace(' tabindex="0"', ""), tmp_path, 400)
    assert "scrollable-region-focusable" in {rule for rule, *_ in found}
