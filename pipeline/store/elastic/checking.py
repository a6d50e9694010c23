"""`kentongan store check`: is it the right cluster, is it well, may we do our work there, and no more than that?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from elasticsearch import ApiError, AuthorizationException, Elasticsearch

from pipeline.core.config import StoreSettings
from pipeline.core.errors import ConfigError, KentonganError
from pipeline.core.i18n import _
from pipeline.store.elastic import templates
from pipeline.store.elastic.client import connect
from pipeline.store.elastic.failures import explained
from pipeline.store.elastic.names import Names

OLDEST = 9
_READ = ["read", "view_index_metadata"]
_WRITE = ["create_doc", "index", "auto_configure", "maintenance"]
_UPDATE = "indices:data/write/update"
_DELETE = ["delete", "delete_index"]
_WITH_DOCUMENT_SECURITY = frozenset({"platinum", "enterprise", "trial"})

Level = Literal["good", "note", "wrong", "away"]
"""`note`: it works, but a person should know; `wrong`: a person must change something; `away`: try again later."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    says: str


def look_over(settings: StoreSettings, *, allow_superuser: bool = False) -> Iterator[Finding]:
    """Look at everything in turn; never raises for what it finds."""
    names = Names(settings.prefix)
    try:
        client = connect(settings)
    except KentonganError as error:
        yield _trouble(error)
        return
    try:
        with explained(settings):
            yield from _version(client)
            yield from _health(client, names)
            yield from _who(client, names, allow_superuser)
            yield from _prepared(client, names)
            yield from _offers(client)
            yield from _blocks(client, names)
    except KentonganError as error:
        yield _trouble(error)
    finally:
        client.close()


def _trouble(error: KentonganError) -> Finding:
    return Finding("wrong" if isinstance(error, ConfigError) else "away", str(error))


def _version(client: Elasticsearch) -> Iterator[Finding]:
    """From `_nodes`: the plain root is not there on every build."""
    try:
        nodes = client.nodes.info(filter_path="nodes.*.version")["nodes"].values()
    except AuthorizationException:
        yield Finding("note", _("the cluster's version is not shown to this user (cluster privilege `monitor`)"))
        return
    found = sorted({node["version"] for node in nodes})
    old = [version for version in found if int(version.partition(".")[0]) < OLDEST]
    text = _("Elasticsearch {versions} on {count} nodes").format(versions=", ".join(found), count=len(nodes))
    yield Finding("wrong" if old else "good", text + ("; " + _("this program needs 9.x") if old else ""))


def _health(client: Elasticsearch, names: Names) -> Iterator[Finding]:
    try:
        health = client.cluster.health(index=names.all_versions)
    except AuthorizationException:
        yield Finding("note", _("the cluster's health is not shown to this user (cluster privilege `monitor`)"))
        return
    missing = health["unassigned_shards"]
    if health["status"] == "red":
        yield Finding(
            "away", _("red: {count} shards are nowhere; their flags cannot be searched").format(count=missing)
        )
    elif health["status"] == "yellow":
        text = _("yellow: {count} copies have no node; on a single node set store.replicas = 0")
        yield Finding("note", text.format(count=missing))
    else:
        yield Finding("good", _("green"))


def _who(client: Elasticsearch, names: Names, allow_superuser: bool) -> Iterator[Finding]:
    try:
        me = client.security.authenticate()
    except ApiError as error:
        if error.status_code in {401, 403}:
            raise
        yield Finding("note", _("security is off: whoever reaches the cluster reads and changes everything"))
        return
    name = me["username"]
    cluster, everything = ["all"], [{"names": ["*"], "privileges": ["all"]}]
    mighty = client.security.has_privileges(cluster=cluster, index=everything)["has_all_requested"]
    if mighty and not allow_superuser:
        text = _("{name} may do everything; give the program a role of its own (docs/elastic.md), or --allow-superuser")
        yield Finding("wrong", text.format(name=name))
        return
    asked = [
        {"names": [names.all_versions], "privileges": [*_READ, *_WRITE, _UPDATE, *_DELETE]},
        {"names": [names.alias], "privileges": ["read"]},
        {"names": [names.erased], "privileges": [*_READ, "index", "maintenance"]},
    ]
    answer: Any = client.security.has_privileges(index=asked)["index"]
    rights, reads = answer[names.all_versions], answer[names.alias]["read"]
    deletes = [right for right in _DELETE if rights.pop(right)]
    lacking = sorted(f"{right} ({index})" for index, found in answer.items() for right, may in found.items() if not may)
    if not lacking:
        yield Finding("good", _("{name} has the rights to read and write flags").format(name=name))
    elif rights["create_doc"] or not reads:
        text = _("{name} lacks rights: {rights}; see docs/elastic.md")
        yield Finding("wrong", text.format(name=name, rights=", ".join(lacking)))
    elif rights[_UPDATE] and rights["read"] and rights["maintenance"]:
        text = _("{name} may search flags and change their status, not make any: enough for the desk")
        yield Finding("note", text.format(name=name))
    else:
        yield Finding("note", _("{name} may search flags, no more: enough for readers").format(name=name))
    if deletes:
        yield Finding("note", _("{name} may delete flags: right for retention alone").format(name=name))


def _prepared(client: Elasticsearch, names: Names) -> Iterator[Finding]:
    templates.check_serving(client, names)
    yield Finding("good", _("prepared for this version ({version})").format(version=names.version))


def _offers(client: Elasticsearch) -> Iterator[Finding]:
    try:
        if templates.offers_analyser(client):
            yield Finding("good", _("offers an analyser for Indonesian (text.id)"))
        else:
            yield Finding("note", _("text.id: this cluster has no analyser for Indonesian (module analysis-common)"))
    except AuthorizationException:
        pass  # `store init` says it
    try:
        kind = client.license.get()["license"]["type"]
    except ApiError:
        return
    if kind in _WITH_DOCUMENT_SECURITY:
        yield Finding("good", _("licence {kind}: readers can be held to their office's documents").format(kind=kind))
    else:
        text = _("licence {kind}: no document-level security; give each office's readers its own indices instead")
        yield Finding("note", text.format(kind=kind))


def _blocks(client: Elasticsearch, names: Names) -> Iterator[Finding]:
    indices = names.all_versions
    try:
        closed = client.indices.get_settings(index=indices, expand_wildcards="closed")
        found = client.indices.get_settings(index=indices, name="index.blocks.*", flat_settings=True)
    except ApiError:
        return
    for index in sorted(closed):
        yield Finding("away", _("{index} is closed, and no search works without it; open it").format(index=index))
    blocked = {
        index: sorted(
            name.removeprefix("index.blocks.") for name, value in about["settings"].items() if value == "true"
        )
        for index, about in found.items()
    }
    for index, blocks in sorted(blocked.items()):
        if "read_only_allow_delete" in blocks:
            text = _("{index} is read-only because a disk is full (flood stage); make room, the block goes by itself")
            yield Finding("away", text.format(index=index))
        elif blocks:
            text = _("{index} is blocked ({blocks}); lift the block")
            yield Finding("away", text.format(index=index, blocks=", ".join(blocks)))
