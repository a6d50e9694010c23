"""models shadow: a candidate scores beside the model in service and decides nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from pipeline import shadowing
from pipeline.cli.common import Call, acting, as_option, table, verb
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.names import label_name


@verb(
    "shadow",
    _("Let a candidate score beside the model in service; it decides nothing."),
    "kentongan models shadow tfidf-2026-12-01 --as ilmuwan",
)
@click.argument("model", default="")
@click.option("--off", is_flag=True, help=_("Take the candidate away."))
@as_option
def shadow(call: Call, model: str, off: bool, as_name: str) -> int:
    """From the next partition on; noted on the ledger."""
    from pipeline.train import promotion  # the flow never loads train/

    if bool(model) == off:
        raise ConfigError(_("name a model, or take the candidate away with --off"))
    place = call.workplace()
    try:
        actor = acting(call, place, as_name, "training")
        name = promotion.set_shadow(place, model, actor.id)
    finally:
        place.close()
    if not call.as_json:
        text = _("{name} scores beside the model in service from the next partition on, and decides nothing")
        click.echo(text.format(name=name) if name else _("No candidate scores beside the model in service."))
    call.show({"shadow": name or None})
    return 0


def show_beside(call: Call, days: int, as_name: str) -> int:
    """What the candidate would have said, and whom people found right; for those who may train with decisions."""
    place = call.workplace()
    try:
        acting(call, place, as_name, "training")
        found = shadowing.report(place, days)
    finally:
        place.close()
    title = _("{name} beside the model in service: {posts} posts of {partitions} partitions").format(
        name=found.name, posts=f"{found.posts:,}", partitions=found.partitions
    )
    made = table(
        title,
        _("Label"),
        _("Both flag"),
        _("Only the one in service"),
        _("Only the candidate"),
        _("Mean difference"),
        _("People: the one in service was right"),
        _("People: the candidate was right"),
        _("Not decided"),
    )
    for label, each in found.labels.items():
        numbers = (each.both, each.served, each.candidate)
        right = (each.right_served, each.right_candidate, each.undecided)
        made.add_row(
            label_name(label), *(f"{n:,}" for n in numbers), f"{each.distance:.4f}", *(f"{n:,}" for n in right)
        )
    value: dict[str, Any] = asdict(found)
    call.show(value, made)
    return 0
