"""Pengguna: who works here, with which role, and since when they were not seen; changed by the command line only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from pipeline.core.i18n import _
from pipeline.core.roles import ROLES, Role, role_name
from pipeline.ledger import people
from pipeline.ledger.people import User
from pipeline.report.sheets import Sheet
from pipeline.review.downloads import workbook
from pipeline.review.guard import Visit, page


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account; `rights` are those in the offices of the one who looks."""

    name: str
    rights: tuple[tuple[str, Role], ...]
    disabled: bool
    must_change: bool
    last_sign_in: datetime | None


@page("/pengguna", "users")
def users(visit: Visit) -> Response:
    """All accounts of one's offices, and those that belong to no office."""
    return visit.render("users.html", accounts=_accounts(visit), hints=hints(visit.offices[0]), roles=ROLES)


@page("/pengguna/ekspor", "users")
def users_file(visit: Visit) -> Response:
    """The same as a workbook."""
    columns = (_("Name"), _("Role"), _("State"), _("Last signed in"))
    rows = tuple(
        (
            account.name,
            ", ".join(f"{role_name(role)} ({office})" for office, role in account.rights),
            _("closed") if account.disabled else _("open"),
            account.last_sign_in,
        )
        for account in _accounts(visit)
    )
    return workbook(visit, "users", f"kentongan-pengguna-{visit.now:%Y-%m-%d}", Sheet(_("Users"), columns, rows))


def _accounts(visit: Visit) -> list[Account]:
    with visit.place.ledger.read() as db:
        seen = people.last_sign_ins(db)
        return [_account(visit, user, seen.get(user.id)) for user in people.everyone(db) if _is_ours(visit, user)]


def _is_ours(visit: Visit, user: User) -> bool:
    return not user.rights or any(office in visit.offices for office in user.rights)


def _account(visit: Visit, user: User, last: datetime | None) -> Account:
    rights = tuple((office, role) for office, role in sorted(user.rights.items()) if office in visit.offices)
    return Account(user.name, rights, user.disabled, user.must_change, last)


def hints(office: str) -> list[tuple[str, str]]:
    """(what somebody wants, the command that does it), with a name to put one's own in place of."""
    return [
        (_("Make an account"), f"kentongan user add penelaah1 --role reviewer --office {office}"),
        (_("Give another role"), f"kentongan user role penelaah1 --role supervisor --office {office}"),
        (_("Take the role away"), f"kentongan user role penelaah1 --role none --office {office}"),
        (_("Hand out a new password"), "kentongan user password penelaah1"),
        (_("Close an account"), "kentongan user disable penelaah1"),
    ]
