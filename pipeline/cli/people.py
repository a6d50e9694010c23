"""user add, role, disable, password, list: who works here and with which rights."""

from __future__ import annotations

import click
from sqlalchemy import Connection

from pipeline.cli.common import Call, table, verb
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.roles import ROLES, role_name
from pipeline.ledger import audit, people
from pipeline.ledger.people import User
from pipeline.workplace import Workplace

_role_option = click.option(
    "--role", type=click.Choice([*ROLES, "none"]), required=True, help=_("What the person may do; none: nothing.")
)
_office_option = click.option("--office", default="", metavar="CODE", help=_("The office; yours if you name none."))


@click.group("user", help=_("The people who work at the desk."))
def user() -> None:
    """Verbs on accounts."""


@verb("add", _("Make an account; the password is shown once."), "kentongan user add penelaah1 --role reviewer")
@click.argument("name")
@_role_option
@_office_option
def add(call: Call, name: str, role: str, office: str) -> int:
    """The person chooses a password at the first sign-in."""
    place = call.workplace()
    office, password = office or call.settings.office.code, people.new_password()
    with place.ledger.write() as db:
        made = people.add(db, name, office, role, password, place.clock(), must_change=True)
        _note(db, place, made, office, role=role)
    return _told(call, name, password)


@verb("role", _("Give a person a role in an office, or take it."), "kentongan user role penelaah1 --role supervisor")
@click.argument("name")
@_role_option
@_office_option
def role(call: Call, name: str, role: str, office: str) -> int:
    """Ends the person's sessions."""
    place, office = call.workplace(), office or call.settings.office.code
    with place.ledger.write() as db:
        found = _found(db, name)
        people.set_right(db, found.id, office, None if role == "none" else role)
        _note(db, place, found, office, role=role)
    return _done(call, _("{name}: {role} in office {office}").format(name=name, role=role_name(role), office=office))


@verb("disable", _("Close an account; what was decided stays."), "kentongan user disable penelaah1")
@click.argument("name")
def disable(call: Call, name: str) -> int:
    """Ends the person's sessions."""
    place = call.workplace()
    with place.ledger.write() as db:
        found = _found(db, name)
        people.disable(db, found.id, place.clock())
        _note(db, place, found, call.settings.office.code, disabled=True)
    return _done(call, _("{name} can no longer sign in").format(name=name))


@verb("password", _("Give a person a new password, shown once."), "kentongan user password penelaah1")
@click.argument("name")
def password(call: Call, name: str) -> int:
    """For somebody who forgot it."""
    place, new = call.workplace(), people.new_password()
    with place.ledger.write() as db:
        found = _found(db, name)
        people.set_password(db, found.id, new, must_change=True)
        details = {"user": found.id, "reset": True}
        office = call.settings.office.code
        audit.note(db, "password", office=office, actor=place.actor, at=place.clock(), details=details)
    return _told(call, name, new)


@verb("list", _("All accounts and their rights."), "kentongan user list")
def list_users(call: Call) -> int:
    """Names, roles, offices."""
    place = call.workplace()
    with place.ledger.read() as db:
        found = people.everyone(db)
    made = table(_("Accounts"), _("Name"), _("Rights"), _("Open"))
    for each in found:
        rights = ", ".join(f"{office} {role_name(role)}" for office, role in sorted(each.rights.items()))
        made.add_row(each.name, rights, _("no") if each.disabled else _("yes"))
    call.show([{"name": u.name, "rights": u.rights, "disabled": u.disabled} for u in found], made)
    return 0


for _verb in (add, role, disable, password, list_users):
    user.add_command(_verb)

VERBS = (user,)


def _found(db: Connection, name: str) -> User:
    found = people.find(db, name) if people.NAME.fullmatch(name) else None
    if found is None:
        raise ConfigError(_("there is no user {name}; see: kentongan user list").format(name=name))
    return found


def _note(db: Connection, place: Workplace, found: User, office: str, **details: object) -> None:
    """Rights are audited by id; the name stands in the erasable payload."""
    details |= {"user": found.id, "office": office}
    audit.note(
        db,
        "rights",
        office=office,
        actor=place.actor,
        at=place.clock(),
        details=details,
        payload={"name": found.name},
    )


def _told(call: Call, name: str, password: str) -> int:
    call.show({"user": name, "password": password})
    if not call.as_json:
        click.echo(_("User {name}, password: {password}").format(name=name, password=password))
        click.echo(_("It is shown this once; the person chooses another one at the first sign-in."), err=True)
    return 0


def _done(call: Call, says: str) -> int:
    call.show({"done": says})
    if not call.as_json:
        click.echo(says)
    return 0
