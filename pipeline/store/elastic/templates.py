"""Index and component templates on the cluster, made from `store/templates/*.json`, with the version in their names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from elasticsearch import ApiError, Elasticsearch, NotFoundError

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.store.elastic.names import Names

ANALYSER = "indonesian"
_FOLDER = "templates"


def shipped(name: str) -> dict[str, Any]:
    """A file of `store/templates`."""
    made = json.loads(files("pipeline.store").joinpath(_FOLDER, f"{name}.json").read_text(encoding="utf-8"))
    return dict(made)


def offers_analyser(client: Elasticsearch) -> bool:
    """Whether the cluster can analyse Indonesian itself; its module may be left out of a small build."""
    try:
        client.indices.analyze(analyzer=ANALYSER, text="banjir")
    except ApiError as error:
        if error.status_code == 400:
            return False
        raise
    return True


def mappings(*, analyser: bool) -> dict[str, Any]:
    """The component template of the mappings, with `text.id` only where the cluster can analyse it."""
    made = shipped("mappings")
    if analyser:
        text = made["template"]["mappings"]["properties"]["text"]
        text["fields"] = {"id": {"type": "text", "analyzer": ANALYSER}}
    return made


def install(client: Elasticsearch, names: Names, *, replicas: int, analyser: bool, alias: bool) -> Iterator[str]:
    """Put the templates of this version where they are missing or differ; yields the names of those that were put.

    `alias`: whether new indices are read at once; not while a version is built beside the one in service.
    """
    settings = shipped("settings")
    settings["template"]["settings"]["index.number_of_replicas"] = replicas
    for name, body in ((names.settings, settings), (names.mappings, mappings(analyser=analyser))):
        if not _same(_component(client, name), body):
            client.cluster.put_component_template(name=name, template=body["template"], meta=body["_meta"])
            yield name
    body = shipped("index")
    aliases = {names.alias: {"filter": read_filter()}} if alias else {}
    wanted = {
        "index_patterns": [names.indices],
        "composed_of": [names.settings, names.mappings],
        "priority": body["priority"],
        "template": {"aliases": aliases} if aliases else {},
        "_meta": body["_meta"],
    }
    if not _same(_template(client, names.template), wanted):
        client.indices.put_index_template(
            name=names.template,
            index_patterns=wanted["index_patterns"],
            composed_of=wanted["composed_of"],
            priority=wanted["priority"],
            template=wanted["template"],
            meta=wanted["_meta"],
        )
        yield names.template


def read_filter() -> dict[str, Any]:
    """What the alias leaves out: rows whose flag is gone."""
    (alias,) = shipped("index")["template"]["aliases"].values()
    return dict(alias["filter"])


def make_erased(client: Elasticsearch, names: Names, *, replicas: int) -> bool:
    """Make the index of what was erased; False if it is there. Its `_meta` names the version in service."""
    if client.indices.exists(index=names.erased):
        return False
    body = shipped("erased")
    body["mappings"]["_meta"] = body["_meta"] | {"serving": names.version}
    body["settings"]["index.number_of_replicas"] = replicas
    client.indices.create(index=names.erased, settings=body["settings"], mappings=body["mappings"])
    return True


def serving(client: Elasticsearch, names: Names) -> str | None:
    """The version in service; None if the cluster was never prepared."""
    try:
        answer = client.indices.get_mapping(index=names.erased)
    except NotFoundError:
        return None
    (index,) = answer.values()
    return str(index["mappings"].get("_meta", {}).get("serving", ""))


def set_serving(client: Elasticsearch, names: Names) -> None:
    """Note that this version is in service."""
    client.indices.put_mapping(index=names.erased, meta=shipped("erased")["_meta"] | {"serving": names.version})


def check_serving(client: Elasticsearch, names: Names) -> None:
    """Raise ConfigError unless this version is in service."""
    found = serving(client, names)
    if found is None:
        raise ConfigError(_("the search cluster is not prepared yet; run: kentongan store init"))
    refuse_newer(found, names)
    if found != names.version:
        text = _("the index still has the mappings {found}, this program needs {needed}; run: kentongan store init")
        raise ConfigError(text.format(found=found or "?", needed=names.version))


def refuse_newer(found: str | None, names: Names) -> None:
    """Raise ConfigError if the version in service is that of a newer program."""
    if found is not None and _number(found) > _number(names.version):
        text = _("the index was made by a newer version of the program ({found}); install that version")
        raise ConfigError(text.format(found=found))


def _number(version: str) -> int:
    digits = version.removeprefix("v")
    return int(digits) if digits.isdigit() else 0


def _component(client: Elasticsearch, name: str) -> Any:
    try:
        found = client.cluster.get_component_template(name=name, flat_settings=True)
    except NotFoundError:
        return None
    return found["component_templates"][0]["component_template"]


def _template(client: Elasticsearch, name: str) -> Any:
    try:
        found = client.indices.get_index_template(name=name)
    except NotFoundError:
        return None
    return found["index_templates"][0]["index_template"]


def _same(found: Any, wanted: Any) -> bool:
    """Whether what is there says all that is wanted; the server writes some values as text and adds defaults."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_same(found.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and list(map(str, found)) == list(map(str, wanted))
    return str(found).lower() == str(wanted).lower()
