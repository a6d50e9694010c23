"""Kibana's saved objects: built the same each time, in order, and the check finds each kind of fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli import kibana as verbs
from pipeline.cli import main
from pipeline.core.i18n import set_language
from pipeline.core.types import LABELS, SHOWN_LABELS
from pipeline.review import kibana
from pipeline.review.kibana import kql
from pipeline.review.kibana.build import lines, objects, text
from pipeline.review.kibana.description import MACHINE_NOTE, NO_SAMPLES, NOTES, REVIEWED_NOTE, describe
from pipeline.review.kibana.fields import Fields

Json = dict[str, Any]
Objects = dict[str, Json]

ROOT = Path(__file__).resolve().parent.parent.parent
MAPPING = json.loads((ROOT / "pipeline" / "store" / "templates" / "mappings.json").read_text(encoding="utf-8"))
SHIPPED = (kibana.FOLDER / kibana.FILE).read_bytes()


def loaded(content: bytes = SHIPPED) -> Objects:
    """The objects by their ids."""
    return {each["id"]: each for each in map(json.loads, content.splitlines())}


def checked(found: Objects) -> list[kibana.Problem]:
    """The problems of these objects."""
    return kibana.check(lines(found.values()), MAPPING)


def chart(found: Objects, name: str) -> Json:
    """A chart's attributes."""
    return found[f"kentongan-bagan-{name}"]["attributes"]


def layer(found: Objects, name: str) -> Json:
    """A chart's one layer."""
    return chart(found, name)["state"]["datasourceStates"]["formBased"]["layers"]["butir"]


def drawn(found: Objects, name: str) -> Json:
    """How a chart is drawn."""
    return chart(found, name)["state"]["visualization"]


def asked(found: Objects, name: str, query: str) -> None:
    """Give a chart another query."""
    chart(found, name)["state"]["query"]["query"] = query


def inside(attributes: Json, name: str, change: Callable[[Any], None]) -> None:
    """Change JSON that stands inside a text."""
    value = json.loads(attributes[name])
    change(value)
    attributes[name] = text(value)


# What is built


def test_the_shipped_file_is_what_the_description_builds_in_any_language() -> None:
    for language in ("en", "id"):
        set_language(language)
        assert kibana.build() == SHIPPED == kibana.build(), "run: kentongan kibana build"


def test_the_shipped_objects_are_in_order() -> None:
    assert kibana.check(SHIPPED, MAPPING) == []


def test_what_the_issue_asks_for_is_there() -> None:
    found = loaded()
    kinds = [each["type"] for each in found.values()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "index-pattern": 1,
        "search": 4,
        "lens": 15,
        "dashboard": 2,
    }
    assert {each["attributes"]["title"] for each in found.values() if each["type"] == "dashboard"} == {
        "Situasi",
        "Mutu model",
    }
    versions = {each["type"]: each["typeMigrationVersion"] for each in found.values()}
    assert versions == {"dashboard": "10.2.0", "search": "10.5.0", "lens": "8.9.0", "index-pattern": "8.0.0"}
    assert {each["coreMigrationVersion"] for each in found.values()} == {"8.8.0"}
    view = found["kentongan-butir"]["attributes"]
    assert (view["title"], view["timeFieldName"]) == ("flags", "@timestamp")
    assert json.loads(view["fieldFormatMap"])["event.url"]["params"]["labelTemplate"] == "Buka di meja telaah"
    assert json.loads(view["fieldAttrs"])["flag.label"] == {"customLabel": "Indikasi"}


def test_each_chart_says_whose_figures_it_shows_and_leaves_samples_out() -> None:
    said = describe()
    found = loaded()
    assert {each.figures for each in said.charts} == set(NOTES) == {"machine", "reviewed"}
    for each in said.charts:
        attributes = chart(found, each.id)
        assert attributes["description"].startswith(NOTES[each.figures])
        assert attributes["state"]["query"]["query"].endswith(NO_SAMPLES)


def test_only_labels_with_a_face_are_named_and_all_of_those_are_in_charts() -> None:
    written = SHIPPED.decode()
    for label in set(LABELS) - set(SHOWN_LABELS):
        assert label not in written
    charts = json.dumps([chart(loaded(), each.id) for each in describe().charts])
    assert all(label in charts for label in SHOWN_LABELS)


def test_low_bands_are_in_no_chart() -> None:
    assert not [each.id for each in describe().charts if '"low"' in str(each)]


def test_the_share_refused_as_criticism_is_a_decimal_number_of_the_decided() -> None:
    found = loaded()
    share = layer(found, "kritik")["columns"]["angka0"]
    assert share["params"]["format"] == {"id": "number", "params": {"decimals": 2}}
    assert "review.reason" in share["params"]["formula"]
    assert share["params"]["formula"].endswith("/ count()")
    assert layer(found, "kritik")["columns"]["baris0"]["params"]["interval"] == "1w"
    assert 'flag.status: ("confirmed" or "rejected")' in chart(found, "kritik")["state"]["query"]["query"]


def test_every_list_leads_to_the_desk() -> None:
    for each in loaded().values():
        if each["type"] == "search":
            assert {"@timestamp", "flag.label", "flag.topic", "text", "flag.status", "event.url"} <= {
                *each["attributes"]["columns"],
                *(["flag.topic"] if each["id"].endswith("klaim") else []),
            }


def test_dashboards_open_on_the_last_thirty_days() -> None:
    for each in loaded().values():
        if each["type"] == "dashboard":
            said = each["attributes"]
            assert (said["timeRestore"], said["timeFrom"], said["timeTo"]) == (True, "now-30d", "now")


def test_another_index_changes_the_data_view_only() -> None:
    ours, other = loaded(), loaded(kibana.build("flags-v1-31-*"))
    assert other.pop("kentongan-butir")["attributes"]["title"] == "flags-v1-31-*"
    ours.pop("kentongan-butir")
    assert ours == other


# What the check finds


def dangling(found: Objects) -> None:
    found["kentongan-bagan-hari"]["references"][0]["id"] = "elsewhere"


def lost_panel(found: Objects) -> None:
    del found["kentongan-bagan-hari"]


def lost_layer_reference(found: Objects) -> None:
    found["kentongan-bagan-hari"]["references"] = []


def lost_search_reference(found: Objects) -> None:
    found["kentongan-cari-isu"]["references"] = []


def lost_panel_reference(found: Objects) -> None:
    found["kentongan-situasi"]["references"].pop(0)


def lost_control_reference(found: Objects) -> None:
    found["kentongan-situasi"]["references"].pop()


def spare_reference(found: Objects) -> None:
    to = dict(found["kentongan-situasi"]["references"][0], name="spare:panel_spare")
    found["kentongan-situasi"]["references"].append(to)


def unknown_column_field(found: Objects) -> None:
    layer(found, "provinsi")["columns"]["baris0"]["sourceField"] = "geo.city"


def unknown_query_field(found: Objects) -> None:
    asked(found, "hari", f"flag.lable: threat and {NO_SAMPLES}")


def unknown_row_field(found: Objects) -> None:
    rows = layer(found, "hari")["columns"]["baris1"]["params"]["filters"]
    rows[0]["input"]["query"] = "flag.lable: threat"


def unknown_column(found: Objects) -> None:
    found["kentongan-cari-isu"]["attributes"]["columns"].append("flag.nothing")


def unknown_sort(found: Objects) -> None:
    found["kentongan-cari-isu"]["attributes"]["sort"] = [["flag.nothing", "asc"]]


def unknown_label(found: Objects) -> None:
    inside(found["kentongan-butir"]["attributes"], "fieldAttrs", lambda value: value.update({"flag.nothing": {}}))


def unknown_format(found: Objects) -> None:
    inside(found["kentongan-butir"]["attributes"], "fieldFormatMap", lambda value: value.update({"flag.nothing": {}}))


def unknown_control(found: Objects) -> None:
    group = found["kentongan-situasi"]["attributes"]["controlGroupInput"]
    inside(group, "panelsJSON", lambda value: value["kendali-0"]["explicitInput"].update(fieldName="flag.nothing"))


def unknown_pill(found: Objects) -> None:
    chart(found, "hari")["state"]["filters"] = [{"meta": {"key": "flag.nothing"}, "query": {"match_phrase": {}}}]


def unknown_pill_query(found: Objects) -> None:
    bool_query = {"bool": {"should": [{"term": {"flag.nothing": "1"}}, {"exists": {"field": "flag.nothing"}}]}}
    chart(found, "hari")["state"]["filters"] = [{"meta": {}, "query": bool_query}]


def histogram_of_words(found: Objects) -> None:
    layer(found, "hari")["columns"]["baris0"]["sourceField"] = "flag.day"


def terms_of_text(found: Objects) -> None:
    layer(found, "provinsi")["columns"]["baris0"]["sourceField"] = "title"


def sum_of_words(found: Objects) -> None:
    layer(found, "umur")["columns"]["angka1"] |= {"operationType": "sum", "sourceField": "flag.source"}


def latest_of_text(found: Objects) -> None:
    layer(found, "klaim")["columns"]["angka2"]["sourceField"] = "text"


def latest_by_words(found: Objects) -> None:
    layer(found, "klaim")["columns"]["angka2"]["params"]["sortField"] = "flag.day"


def sorted_by_text(found: Objects) -> None:
    found["kentongan-cari-isu"]["attributes"]["sort"] = [["text", "asc"]]


def terms_without_columns(found: Objects) -> None:
    layer(found, "provinsi")["columns"]["baris0"]["sourceField"] = "keys"


def asks_what_is_not_indexed(found: Objects) -> None:
    asked(found, "hari", f"rank.text: 1 and {NO_SAMPLES}")


def compares_words(found: Objects) -> None:
    asked(found, "hari", f"flag.day >= 3 and {NO_SAMPLES}")


def asks_scores(found: Objects) -> None:
    asked(found, "hari", f"signals.score > 1 and {NO_SAMPLES}")


def time_of_words(found: Objects) -> None:
    found["kentongan-butir"]["attributes"]["timeFieldName"] = "flag.day"


def free_words(found: Objects) -> None:
    asked(found, "hari", f"bensin and {NO_SAMPLES}")


def open_bracket(found: Objects) -> None:
    asked(found, "hari", f'flag.status: ("open" and {NO_SAMPLES}')


def lucene(found: Objects) -> None:
    chart(found, "hari")["state"]["query"]["language"] = "lucene"


def missing_from_order(found: Objects) -> None:
    layer(found, "hari")["columnOrder"].remove("baris1")


def figures_before_rows(found: Objects) -> None:
    layer(found, "hari")["columnOrder"].reverse()


def column_shown_nowhere(found: Objects) -> None:
    del drawn(found, "hari")["layers"][0]["splitAccessor"]


def column_shown_that_is_not(found: Objects) -> None:
    drawn(found, "hari")["layers"][0]["accessors"] = ["angka0", "angka7"]


def table_column_that_is_not(found: Objects) -> None:
    drawn(found, "klaim")["columns"].append({"columnId": "angka9"})


def sorted_by_what_is_not(found: Objects) -> None:
    drawn(found, "sumber")["sorting"]["columnId"] = "angka9"


def ordered_by_what_is_not(found: Objects) -> None:
    layer(found, "provinsi")["columns"]["baris0"]["params"]["orderBy"]["columnId"] = "angka9"


def refers_to_what_is_not(found: Objects) -> None:
    layer(found, "kritik")["columns"]["angka0"]["references"] = ["angka0X9"]


def math_of_others(found: Objects) -> None:
    layer(found, "kritik")["columns"]["angka0X2"]["params"]["tinymathAst"]["args"] = ["angka0X0", "angka0X9"]


def formula_of_another_query(found: Objects) -> None:
    layer(found, "kritik")["columns"]["angka0X0"]["filter"]["query"] = 'review.reason: "satire"'


def formula_of_an_unknown_field(found: Objects) -> None:
    params = layer(found, "kritik")["columns"]["angka0"]["params"]
    params["formula"] = params["formula"].replace("count()", "sum(flag.nothing)")


def another_layer(found: Objects) -> None:
    drawn(found, "hari")["layers"][0]["layerId"] = "elsewhere"


def figure_on_the_axis(found: Objects) -> None:
    drawn(found, "provinsi")["layers"][0] |= {"xAccessor": "angka0", "accessors": ["baris0"]}


def unnamed_row(found: Objects) -> None:
    layer(found, "hari")["columns"]["baris1"]["params"]["filters"][0]["label"] = ""


def unknown_operation(found: Objects) -> None:
    layer(found, "hari")["columns"]["angka0"]["operationType"] = "guess"


def no_layer(found: Objects) -> None:
    chart(found, "hari")["state"]["datasourceStates"]["formBased"]["layers"] = {}


def author(found: Objects) -> None:
    chart(found, "provinsi")["title"] = "Top authors"


def style(found: Objects) -> None:
    asked(found, "hari", f'flag.label: "hoax_style" and {NO_SAMPLES}')


def address(found: Objects) -> None:
    found["kentongan-cari-isu"]["attributes"]["columns"].append("url.full")


def percent_in_words(found: Objects) -> None:
    chart(found, "kritik")["title"] = "Persen kritik"


def percent_sign(found: Objects) -> None:
    layer(found, "kritik")["columns"]["angka0"]["label"] = "Bagian (%)"


def percent_format(found: Objects) -> None:
    layer(found, "kritik")["columns"]["angka0"]["params"]["format"] = {"id": "percent"}


def percent_bars(found: Objects) -> None:
    drawn(found, "hasil")["layers"][0]["seriesType"] = "bar_horizontal_percentage_stacked"


def percent_pie(found: Objects) -> None:
    chart(found, "provinsi")["visualizationType"] = "lnsPie"
    pie = {"layerId": "butir", "layerType": "data", "primaryGroups": ["baris0"], "metrics": ["angka0"]}
    chart(found, "provinsi")["state"]["visualization"] = {"shape": "donut", "layers": [pie]}


def nobody_says_whose(found: Objects) -> None:
    chart(found, "hari")["description"] = "Per hari"


def machine_among_reviewed(found: Objects) -> None:
    layer(found, "pekan")["columns"]["baris1"]["params"]["filters"][0]["input"]["query"] = 'flag.band.threat: "high"'


def reviewed_among_machine(found: Objects) -> None:
    layer(found, "hari")["columns"]["baris1"]["params"]["filters"][0]["input"]["query"] = 'flag.status: "confirmed"'


def reasons_among_machine(found: Objects) -> None:
    layer(found, "provinsi")["columns"]["baris0"]["sourceField"] = "review.reason"


def all_statuses_among_machine(found: Objects) -> None:
    layer(found, "provinsi")["columns"]["baris0"]["sourceField"] = "flag.status"


def relabelled(found: Objects) -> None:
    chart(found, "hasil")["description"] = MACHINE_NOTE


def relabelled_bands(found: Objects) -> None:
    chart(found, "pita-tinggi")["description"] = REVIEWED_NOTE


def undecided_among_reviewed(found: Objects) -> None:
    asked(found, "hasil", NO_SAMPLES)


def unsure_among_reviewed(found: Objects) -> None:
    asked(found, "hasil", f'flag.status: ("confirmed" or "unsure") and {NO_SAMPLES}')


def samples(found: Objects) -> None:
    asked(found, "hari", "")


def samples_perhaps(found: Objects) -> None:
    asked(found, "hari", f'flag.status: "open" or {NO_SAMPLES}')


def narrowed_by_decisions(found: Objects) -> None:
    inside(
        found["kentongan-situasi"]["attributes"]["kibanaSavedObjectMeta"],
        "searchSourceJSON",
        lambda value: value["query"].update(query='review.reason: "satire"'),
    )


def overlapping(found: Objects) -> None:
    inside(found["kentongan-situasi"]["attributes"], "panelsJSON", lambda value: value[1]["gridData"].update(x=0))


def outside(found: Objects) -> None:
    inside(found["kentongan-situasi"]["attributes"], "panelsJSON", lambda value: value[1]["gridData"].update(w=40))


def other_grid_index(found: Objects) -> None:
    inside(found["kentongan-situasi"]["attributes"], "panelsJSON", lambda value: value[1]["gridData"].update(i="x"))


def chart_in_the_panel(found: Objects) -> None:
    inside(found["kentongan-situasi"]["attributes"], "panelsJSON", lambda value: value[1].pop("panelRefName"))


def no_time(found: Objects) -> None:
    found["kentongan-situasi"]["attributes"]["timeRestore"] = False


def broken_json(found: Objects) -> None:
    found["kentongan-situasi"]["attributes"]["panelsJSON"] = "[{"


def no_link(found: Objects) -> None:
    inside(found["kentongan-butir"]["attributes"], "fieldFormatMap", lambda value: value.pop("event.url"))


def no_desk(found: Objects) -> None:
    found["kentongan-cari-isu"]["attributes"]["columns"].remove("event.url")


def scores_in_sight(found: Objects) -> None:
    inside(found["kentongan-butir"]["attributes"], "sourceFilters", lambda value: value.pop(0))


def hides_what_is_not(found: Objects) -> None:
    inside(found["kentongan-butir"]["attributes"], "sourceFilters", lambda value: value.append({"value": "nothing*"}))


def no_index(found: Objects) -> None:
    found["kentongan-butir"]["attributes"]["title"] = ""


def newer(found: Objects) -> None:
    found["kentongan-situasi"]["typeMigrationVersion"] = "10.3.0"


def other_kind(found: Objects) -> None:
    found["kentongan-cari-isu"]["type"] = "canvas-workpad"


def twice_a_name(found: Objects) -> None:
    found["kentongan-cari-isu"]["references"] *= 2


def shapeless(found: Objects) -> None:
    found["kentongan-bagan-hari"]["attributes"] = ["nothing"]


FAULTS: dict[Callable[[Objects], None], tuple[str, str]] = {
    dangling: ("kentongan-bagan-hari", "refers to index-pattern elsewhere, which is not in the file"),
    lost_panel: ("kentongan-situasi", "refers to lens kentongan-bagan-hari, which is not in the file"),
    lost_layer_reference: ("kentongan-bagan-hari", "layers and references do not match"),
    lost_search_reference: ("kentongan-cari-isu", "the reference kibanaSavedObjectMeta.*index is missing"),
    lost_panel_reference: ("kentongan-situasi", "the reference hari:panel_hari is missing"),
    lost_control_reference: ("kentongan-situasi", "the reference controlGroup_kendali-1.* is missing"),
    spare_reference: ("kentongan-situasi", "nothing uses this reference"),
    unknown_column_field: ("kentongan-bagan-provinsi", "no field is called geo.city"),
    unknown_query_field: ("kentongan-bagan-hari", "no field is called flag.lable"),
    unknown_row_field: ("kentongan-bagan-hari", "no field is called flag.lable"),
    unknown_column: ("kentongan-cari-isu", "no field is called flag.nothing"),
    unknown_sort: ("kentongan-cari-isu", "no field is called flag.nothing"),
    unknown_label: ("kentongan-butir", "no field is called flag.nothing"),
    unknown_format: ("kentongan-butir", "no field is called flag.nothing"),
    unknown_control: ("kentongan-situasi", "no field is called flag.nothing"),
    unknown_pill: ("kentongan-bagan-hari", "no field is called flag.nothing"),
    unknown_pill_query: ("kentongan-bagan-hari", "no field is called flag.nothing"),
    histogram_of_words: ("kentongan-bagan-hari", "flag.day is of type keyword and cannot be used for: date"),
    terms_of_text: ("kentongan-bagan-provinsi", "title is of type text and cannot be used for: terms"),
    sum_of_words: ("kentongan-bagan-umur", "flag.source is of type keyword and cannot be used for: number"),
    latest_of_text: ("kentongan-bagan-klaim", "text is of type text and cannot be used for: value"),
    latest_by_words: ("kentongan-bagan-klaim", "flag.day is of type keyword and cannot be used for: date"),
    sorted_by_text: ("kentongan-cari-isu", "text is of type text and cannot be used for: sort"),
    terms_without_columns: ("kentongan-bagan-provinsi", "keys is of type keyword and cannot be used for: terms"),
    asks_what_is_not_indexed: ("kentongan-bagan-hari", "rank.text is of type .* cannot be used for: search"),
    compares_words: ("kentongan-bagan-hari", "flag.day is of type keyword and cannot be used for: compare"),
    asks_scores: ("kentongan-bagan-hari", "signals.score is of type double and cannot be used for: compare"),
    time_of_words: ("kentongan-butir", "flag.day is of type keyword and cannot be used for: date"),
    free_words: ("kentongan-bagan-hari", "the query .* cannot be read"),
    open_bracket: ("kentongan-bagan-hari", "the query .* cannot be read"),
    lucene: ("kentongan-bagan-hari", "a query must be written in KQL"),
    missing_from_order: ("kentongan-bagan-hari", "is not the list of the columns"),
    figures_before_rows: ("kentongan-bagan-hari", "rows must stand before figures"),
    column_shown_nowhere: ("kentongan-bagan-hari", "the column is shown nowhere"),
    column_shown_that_is_not: ("kentongan-bagan-hari", "shows column angka7, which does not exist"),
    table_column_that_is_not: ("kentongan-bagan-klaim", "shows column angka9, which does not exist"),
    sorted_by_what_is_not: ("kentongan-bagan-sumber", "shows column angka9, which does not exist"),
    ordered_by_what_is_not: ("kentongan-bagan-provinsi", "is ordered by column angka9, which does not exist"),
    refers_to_what_is_not: ("kentongan-bagan-kritik", "uses column angka0X9, which does not exist"),
    math_of_others: ("kentongan-bagan-kritik", "the sum is not made of the columns"),
    formula_of_another_query: ("kentongan-bagan-kritik", "the formula and its columns do not ask the same"),
    formula_of_an_unknown_field: ("kentongan-bagan-kritik", "no field is called flag.nothing"),
    another_layer: ("kentongan-bagan-hari", "layers and what is drawn do not match"),
    figure_on_the_axis: ("kentongan-bagan-provinsi", "a figure stands where rows belong"),
    unnamed_row: ("kentongan-bagan-hari", "a row has no name"),
    unknown_operation: ("kentongan-bagan-hari", "the operation guess is not known here"),
    no_layer: ("kentongan-bagan-hari", "has no layer"),
    author: ("kentongan-bagan-provinsi", '"authors" must not be in any object'),
    style: ("kentongan-bagan-hari", '"hoax_style" must not be in any object'),
    address: ("kentongan-cari-isu", '"url.full" must not be in any object'),
    percent_in_words: ("kentongan-bagan-kritik", '"Persen" must not be in any object'),
    percent_sign: ("kentongan-bagan-kritik", '"%" must not be in any object'),
    percent_format: ("kentongan-bagan-kritik", "shows per cent"),
    percent_bars: ("kentongan-bagan-hasil", "shows per cent"),
    percent_pie: ("kentongan-bagan-provinsi", "shows per cent"),
    nobody_says_whose: ("kentongan-bagan-hari", "does not say whose figures these are"),
    machine_among_reviewed: ("kentongan-bagan-pekan", r"machine figures \(flag.band.threat\) among reviewed ones"),
    reviewed_among_machine: ("kentongan-bagan-hari", r"reviewed figures \(flag.status\) among those of the machine"),
    reasons_among_machine: ("kentongan-bagan-provinsi", r"reviewed figures \(review.reason\) among those of the"),
    all_statuses_among_machine: ("kentongan-bagan-provinsi", r"reviewed figures \(flag.status\) among those of the"),
    relabelled: ("kentongan-bagan-hasil", r"reviewed figures \(flag.status\) among those of the machine"),
    relabelled_bands: ("kentongan-bagan-pita-tinggi", "machine figures .* among reviewed ones"),
    undecided_among_reviewed: ("kentongan-bagan-hasil", "counts flags that nobody decided on"),
    unsure_among_reviewed: ("kentongan-bagan-hasil", "counts flags that nobody decided on"),
    samples: ("kentongan-bagan-hari", "counts what no rule flagged"),
    samples_perhaps: ("kentongan-bagan-hari", "counts what no rule flagged"),
    narrowed_by_decisions: ("kentongan-situasi", "narrows all panels by review.reason"),
    overlapping: ("kentongan-situasi", "lies over hari"),
    outside: ("kentongan-situasi", "sticks out of the grid"),
    other_grid_index: ("kentongan-situasi", "gridData.i is not the panel's index"),
    chart_in_the_panel: ("kentongan-situasi", "holds its chart itself"),
    no_time: ("kentongan-situasi", "opens on no time range of its own"),
    broken_json: ("kentongan-situasi", "is no list of JSON objects"),
    no_link: ("kentongan-butir", "the desk's address must be a link"),
    no_desk: ("kentongan-cari-isu", r"the desk's address \(event.url\) is missing"),
    scores_in_sight: ("kentongan-butir", r"signals\* must be hidden"),
    hides_what_is_not: ("kentongan-butir", r"no field is called nothing\*"),
    no_index: ("kentongan-butir", "names no index"),
    newer: ("kentongan-situasi", "must be 10.2.0 to be read by 8.19"),
    other_kind: ("kentongan-cari-isu", "canvas-workpad is a kind of object that is not known here"),
    twice_a_name: ("kentongan-cari-isu", "two references have this name"),
    shapeless: ("kentongan-bagan-hari", "are not shaped as Kibana writes them"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_the_check_finds(fault: Callable[[Objects], None]) -> None:
    where, says = FAULTS[fault]
    found = loaded()
    fault(found)
    problems = checked(found)
    assert any(each.object == where and re.search(says, each.says) for each in problems), problems
    others = {each.object for each in problems} - {where}
    assert not others or fault is lost_panel or fault is other_kind, problems


def test_the_check_reads_any_file() -> None:
    summary = b'{"exportedCount":1,"missingRefCount":0}\n'
    assert kibana.check(SHIPPED + summary, MAPPING) == []
    assert [each.says for each in kibana.check(SHIPPED + b"{nothing\n", MAPPING)] == ["is no JSON"]
    assert [each.place for each in kibana.check(SHIPPED + b'{"id":"x"}\n', MAPPING)] == ["line 23"]
    assert [each.says for each in kibana.check(b"", MAPPING)] == ["there is no saved object in the file"]
    assert kibana.check(SHIPPED + SHIPPED.splitlines()[0], MAPPING)[0].says == "two objects have this id"


@pytest.mark.parametrize("name", ["author_key", "account", "native_id", "flag.user.name"])
def test_the_check_finds_private_fields_in_the_mapping(name: str) -> None:
    properties: Json = {}
    here = properties
    for part in name.split(".")[:-1]:
        here = here.setdefault(part, {"properties": {}})["properties"]
    here[name.split(".")[-1]] = {"type": "keyword"}
    mapping = {"properties": MAPPING["template"]["mappings"]["properties"] | {"other": {"properties": properties}}}
    assert "mapping" in {each.object for each in kibana.check(SHIPPED, mapping)}


def test_the_description_cannot_mix_figures_unseen() -> None:
    said = describe()
    charts = tuple(replace(each, figures="reviewed") if each.id == "pita-tinggi" else each for each in said.charts)
    problems = kibana.check(lines(objects(replace(said, charts=charts))), MAPPING)
    assert {each.object for each in problems} == {"kentongan-bagan-pita-tinggi"}


# The mapping and the query language


def test_a_mapping_may_come_in_any_wrapping_with_multi_fields_and_aliases() -> None:
    properties = {
        "text": {"type": "text", "fields": {"id": {"type": "text"}, "raw": {"type": "keyword"}}},
        "words": {"type": "alias", "path": "text"},
        "inner": {"type": "nested", "properties": {"a": {"type": "keyword"}}},
        "off": {"type": "object", "enabled": False, "properties": {"b": {"type": "keyword"}}},
    }
    for mapping in ({"template": {"mappings": {"properties": properties}}}, {"mappings": {"properties": properties}}):
        fields = Fields(mapping)
        assert [each.name for each in fields] == ["text", "text.id", "text.raw", "words", "inner", "inner.a", "off"]
        uses = {each.name: (each.fits("terms"), each.fits("search")) for each in fields}
        assert uses["text.raw"] == (True, True)
        assert uses["words"] == uses["text"] == (False, True)
        assert uses["inner.a"] == uses["off"] == (False, False)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("", []),
        ("a: 1", ["a"]),
        ('a: ("x" or "y z") and not (b >= 3 or "c.d": *)', ["a", "b", "c.d"]),
        ("a.*: x OR b: y", ["a.*", "b"]),
        (r'a: "he said \"x\""', ["a"]),
    ],
)
def test_a_query_is_read(query: str, fields: list[str]) -> None:
    assert [clause.field for clause in kql.clauses(kql.parse(query))] == fields


@pytest.mark.parametrize("query", ["a", "a:", "a: b c", "a: (b", 'a: "b', "a: b)", "a: b and", "a: {b: c}", "(a or b)"])
def test_a_query_is_refused(query: str) -> None:
    with pytest.raises(kql.KqlError):
        kql.parse(query)


# The verbs


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Call the command in English; gives exit code, standard output and standard error."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "en", "kibana", *arguments, "--lang", "en"])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_build_writes_the_file_and_check_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new"
    code, out, _err = run(capsys, "build", "--to", str(folder))
    assert (code, out) == (0, f"Written: {folder / kibana.FILE} (22 objects)\n")
    assert (folder / kibana.FILE).read_bytes() == SHIPPED
    code, out, _err = run(capsys, "check", str(folder / kibana.FILE))
    assert (code, out) == (0, "The saved objects are in order: 22\n")
    assert run(capsys, "check")[0] == 0


def test_check_says_what_is_wrong_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = loaded()
    unknown_column_field(found)
    file = tmp_path / "broken.ndjson"
    file.write_bytes(lines(found.values()))
    code, out, _err = run(capsys, "check", str(file), "--json")
    assert code == 1
    assert json.loads(out)["problems"] == [
        {"object": "kentongan-bagan-provinsi", "place": "butir.baris0", "says": "no field is called geo.city"}
    ]
    code, out, _err = run(capsys, "check", str(file))
    assert code == 1
    assert "geo.city" in out


def test_build_for_one_office(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "build", "--to", str(tmp_path), "--index", "flags-v1-31-*")[0] == 0
    view = loaded((tmp_path / kibana.FILE).read_bytes())["kentongan-butir"]
    assert view["attributes"]["title"] == "flags-v1-31-*"
    assert run(capsys, "build", "--to", str(tmp_path), "--index", "Flags 31")[0] == 2
    assert run(capsys, "build", "--index", "flags-v1-31-*")[0] == 2


def test_the_store_s_prefix_stands_before_the_alias() -> None:
    settings = SimpleNamespace(store=SimpleNamespace(prefix="uji-"))
    assert verbs._index(settings, "") == "uji-flags"  # type: ignore[arg-type]
    assert verbs._index(settings, "flags-v1-31-*") == "flags-v1-31-*"  # type: ignore[arg-type]
    assert verbs._index(SimpleNamespace(store=SimpleNamespace()), "") == "flags"  # type: ignore[arg-type]


def test_what_is_not_in_order_is_not_pushed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = tmp_path / "mappings.json"
    narrow.write_text('{"template": {"mappings": {"properties": {}}}}')
    monkeypatch.setattr(verbs, "_TEMPLATE", narrow)
    code, _out, err = run(capsys, "push", "--url", "https://kibana.example")
    assert code == 2
    assert "kentongan kibana check" in err
    narrow.unlink()
    code, _out, err = run(capsys, "check")
    assert code == 2
    assert "mappings.json is missing" in err
