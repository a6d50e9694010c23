"""How long things may be kept: the shipped periods, unless two named people answer for a longer one on the ledger.

Shortening is free: a setting does it. A setting alone never lengthens: while it is longer than the ledger allows,
nothing is fetched, flagged or purged (DOMAIN 4.6).
"""

from __future__ import annotations

from sqlalchemy import Connection

from pipeline.core.config import shipped_retention
from pipeline.core.config_retention import LONGEST
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.ledger import audit, people
from pipeline.ledger.chain import entries
from pipeline.ledger.people import User
from pipeline.workplace import Workplace

ACTION = "lengthen"
_OFFICER = "privacy"
_ANSWERS = ("supervisor", "approver")
_REASON = 500  # characters


def longest(place: Workplace) -> dict[str, int]:
    """Period -> how many days the office may set at most: the shipped ones, or what two people noted last."""
    shipped = shipped_retention().model_dump()
    with place.ledger.read() as db:
        return _longest(db, place.settings.office.code, shipped)


def _longest(db: Connection, office: str, shipped: dict[str, int]) -> dict[str, int]:
    found = dict(shipped)
    for entry in entries(db, [office], actions=[ACTION]):
        period, days = entry.details.get("period"), entry.details.get("days")
        if period in shipped and isinstance(days, int):
            found[period] = min(LONGEST, max(shipped[period], days))
    return found


def check_periods(place: Workplace) -> None:
    """Raise ConfigError if a setting keeps something for longer than it may be kept."""
    given, shipped = place.settings.retention.model_dump(), shipped_retention().model_dump()
    if all(given[period] <= shipped[period] for period in shipped):
        return  # the ledger need not be there
    allowed = longest(place)
    says = _(
        "retention.{period} = {days} is longer than the {allowed} days allowed: shorten it, or let two people answer "
        "for it: kentongan privacy lengthen {period} {days} --by NAME --and NAME --reason TEXT"
    )
    over = [period for period in shipped if given[period] > allowed[period]]
    if over:
        lines = [says.format(period=period, days=given[period], allowed=allowed[period]) for period in over]
        raise ConfigError("\n".join(lines))


def lengthen(place: Workplace, period: str, days: int, names: tuple[str, str], reason: str) -> int:
    """Note that two people answer for keeping something for so many days; returns how many were allowed before.

    One is the office's data protection officer, the other a supervisor or approving officer. The shipped number takes
    a longer one back. Raises ConfigError for a period, number, person or reason that will not do.
    """
    shipped, office = shipped_retention().model_dump(), place.settings.office.code
    if period not in shipped:
        text = _('there is no period "{period}"; there are {known}')
        raise ConfigError(text.format(period=period, known=", ".join(shipped)))
    if not shipped[period] <= days <= LONGEST:
        text = _("{period}: {least} to {most} days; to keep it shorter nobody needs to agree, write it in the settings")
        raise ConfigError(text.format(period=period, least=shipped[period], most=LONGEST))
    reason = " ".join(reason.split())
    if not reason or len(reason) > _REASON:
        raise ConfigError(_("say why, in at most {most} characters: --reason TEXT").format(most=_REASON))
    with place.ledger.write() as db:
        first, second = _two(db, names, office)
        before = _longest(db, office, shipped)[period]
        details = {
            "period": period,
            "days": days,
            "before": before,
            "changed": [f"{period}:{before}-{days}"],
            "user": second.id,
            "reason": reason,
            "typed_by": place.actor,
        }
        audit.note(db, ACTION, office=office, actor=first.id, at=place.clock(), details=details)
    return before


def _two(db: Connection, names: tuple[str, str], office: str) -> tuple[User, User]:
    """Both people; raises ConfigError unless they are two, with the roles that it takes in this office."""
    found = [people.find(db, name) if people.NAME.fullmatch(name) else None for name in names]
    for name, user in zip(names, found, strict=True):
        if user is None or user.disabled:
            raise ConfigError(_("there is no user {name}; see: kentongan user list").format(name=name))
    first, second = [user for user in found if user is not None]
    if first.id == second.id:
        raise ConfigError(_("it takes two people; {name} is one").format(name=first.name))
    roles = {first.rights.get(office), second.rights.get(office)}
    if _OFFICER not in roles or roles.isdisjoint(_ANSWERS):
        raise ConfigError(
            _(
                "it takes the data protection officer (role privacy) and a supervisor or approver of office {office}; "
                "see: kentongan user list"
            ).format(office=office)
        )
    return first, second
