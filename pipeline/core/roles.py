"""Who may do what (DOMAIN 4.7): the administrator sees no content, the privacy officer decides nothing on content."""

from __future__ import annotations

from typing import Literal

from pipeline.core.i18n import _

Role = Literal["reviewer", "supervisor", "approver", "privacy", "scientist", "admin", "partner"]
Permission = Literal[
    "account",  # one's own password and language
    "queue",  # claim and decide
    "read",  # one flag with its text
    "search",
    "export",
    "open_source",
    "adjudicate",  # decide on what reviewers disagree about, assign, undo what others decided
    "overview",  # counts only
    "daily",  # the draft of the daily summary
    "publish",
    "published",  # what was published
    "audit",
    "erase",
    "users",
    "training",  # decisions without text, note or reviewer
]

MAY: dict[Role, frozenset[Permission]] = {
    "reviewer": frozenset(
        {"account", "queue", "read", "search", "export", "open_source", "overview", "daily", "published"}
    ),
    "supervisor": frozenset(
        {
            *("account", "queue", "read", "search", "export", "open_source", "overview", "daily", "published"),
            *("adjudicate", "publish"),
        }
    ),
    "approver": frozenset({"account", "read", "search", "export", "overview", "daily", "published"}),
    "privacy": frozenset({"account", "audit", "erase", "overview", "published"}),
    "scientist": frozenset({"account", "overview", "training"}),
    "admin": frozenset({"account", "users"}),
    "partner": frozenset({"account", "published"}),
}
ROLES: tuple[Role, ...] = tuple(MAY)


def may(role: Role, permission: Permission) -> bool:
    """Whether the role holds the permission."""
    return permission in MAY[role]


def role_name(code: str) -> str:
    """What a role is called in front of people."""
    names = {
        "reviewer": _("Reviewer"),
        "supervisor": _("Supervisor"),
        "approver": _("Approving officer"),
        "privacy": _("Data protection officer"),
        "scientist": _("Data scientist"),
        "admin": _("IT administrator"),
        "partner": _("TKDPD partner"),
    }
    return names.get(code, code)
