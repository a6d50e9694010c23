"""The people who work here: accounts (argon2id), rights by office, sessions, sign-in limits, saved searches."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, delete, func, insert, select, update

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.roles import ROLES, Role
from pipeline.ledger.schema import entry, failure, right, saved_search, session, user

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
SHORTEST = 12  # characters of a password: NIST SP 800-63B asks for 8, OWASP for 12 where there is no second factor
LONGEST = 200
TRIES_NAME, TRIES_ADDRESS = 5, 30  # failed sign-ins within WINDOW before further ones are refused
WINDOW = timedelta(minutes=15)
_IDLE = timedelta(hours=2)  # a session that nobody used for so long is over
_SAVED = 50  # searches a person may save

# Argon2id with RFC 9106's second recommended choice: 64 MiB, three passes. Four at a time: 256 MiB at most.
_HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
_AT_ONCE = BoundedSemaphore(4)


@dataclass(frozen=True, slots=True)
class User:
    """An account; `rights` maps an office to the role that the person has there."""

    id: str
    name: str
    language: str
    must_change: bool
    disabled: bool
    rights: dict[str, Role]


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `csrf` stands in each of its forms."""

    user: User
    csrf: str


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """What somebody looks for again and again."""

    id: int
    name: str
    query: str


# ---- accounts


def add(db: Connection, name: str, office: str, role: str, password: str, now: datetime, *, must_change: bool) -> User:
    """Make an account; raises ConfigError for a name, role or password that cannot be."""
    if not NAME.fullmatch(name):
        raise ConfigError(_('"{name}" is no user name; use 2 to 64 small letters, digits, . _ -').format(name=name))
    if find(db, name):
        raise ConfigError(_("there is a user {name} already").format(name=name))
    check_password(password, name)
    user_id = secrets.token_hex(8)
    db.execute(
        insert(user).values(
            id=user_id,
            name=name,
            password=_hash(password),
            language="id",
            must_change=must_change,
            created_at=int(now.timestamp()),
        )
    )
    set_right(db, user_id, office, role)
    return _one(db, user_id)


def set_right(db: Connection, user_id: str, office: str, role: str | None) -> None:
    """Give the person a role in an office, or none any more; sessions end, so that no right outlives its loss."""
    if role is not None and role not in ROLES:
        raise ConfigError(_('there is no role "{role}"; there are {roles}').format(role=role, roles=", ".join(ROLES)))
    if not re.fullmatch(r"\d{2}(\.\d{2})?", office):
        raise ConfigError(_('"{office}" is no office; write 61, 61.01, or 00 for national').format(office=office))
    db.execute(delete(right).where(right.c.user_id == user_id, right.c.office == office))
    if role is not None:
        db.execute(insert(right).values(user_id=user_id, office=office, role=role))
    end_sessions(db, user_id)


def disable(db: Connection, user_id: str, now: datetime) -> None:
    """The person can no longer sign in; what was decided stays under the same id."""
    db.execute(update(user).where(user.c.id == user_id).values(disabled_at=int(now.timestamp())))
    end_sessions(db, user_id)


def set_password(db: Connection, user_id: str, password: str, *, must_change: bool = False) -> None:
    """Change the password and end all sessions; raises ConfigError for one that is too short or too plain."""
    check_password(password, _one(db, user_id).name)
    db.execute(update(user).where(user.c.id == user_id).values(password=_hash(password), must_change=must_change))
    end_sessions(db, user_id)


def set_language(db: Connection, user_id: str, language: str) -> None:
    """The language of the person's pages."""
    db.execute(update(user).where(user.c.id == user_id).values(language=language))


def check_password(password: str, name: str) -> None:
    """Raise ConfigError for a password that should not be used."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ConfigError(_("the password needs {least} to {most} characters").format(least=SHORTEST, most=LONGEST))
    if name in password.casefold() or len(set(password)) < 5:
        raise ConfigError(_("the password is too easy to guess: not the user name, and at least five different signs"))


def new_password() -> str:
    """A password to hand over once: about 77 bits."""
    return secrets.token_urlsafe(10) + "-" + secrets.token_hex(2)


def find(db: Connection, name: str) -> User | None:
    """The account of that name."""
    found = db.scalar(select(user.c.id).where(user.c.name == name))
    return _one(db, found) if found else None


def named(db: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The names of some ids, for those who may see them."""
    rows = db.execute(select(user.c.id, user.c.name).where(user.c.id.in_(list(ids))))
    return {row.id: row.name for row in rows}


def everyone(db: Connection) -> list[User]:
    """All accounts by name."""
    return [_one(db, user_id) for user_id in db.scalars(select(user.c.id).order_by(user.c.name))]


def last_sign_ins(db: Connection) -> dict[str, datetime]:
    """When each person last signed in, by id, as the audit says; who never did is missing."""
    query = select(entry.c.actor, func.max(entry.c.at)).where(entry.c.action == "sign_in").group_by(entry.c.actor)
    return {actor: datetime.fromtimestamp(at, UTC) for actor, at in db.execute(query)}


def count(db: Connection) -> int:
    """How many accounts there are."""
    return int(db.execute(select(func.count()).select_from(user)).scalar_one())


def _one(db: Connection, user_id: str) -> User:
    row = db.execute(select(user).where(user.c.id == user_id)).one()
    rights = {r.office: r.role for r in db.execute(select(right).where(right.c.user_id == user_id))}
    return User(row.id, row.name, row.language, row.must_change, row.disabled_at is not None, rights)


# ---- signing in


def refused(db: Connection, keys: Sequence[tuple[str, int]], now: datetime) -> bool:
    """Whether one of the (key, allowed tries) failed too often of late."""
    since = int((now - WINDOW).timestamp())
    for key, tries in keys:
        query = select(func.count()).where(failure.c.key == _secret_hash(key), failure.c.at > since)
        if db.execute(query).scalar_one() >= tries:
            return True
    return False


def note_failure(db: Connection, keys: Sequence[str], now: datetime) -> None:
    """Remember a failed sign-in, and forget old ones."""
    db.execute(delete(failure).where(failure.c.at <= int((now - WINDOW).timestamp())))
    db.execute(insert(failure), [{"key": _secret_hash(key), "at": int(now.timestamp())} for key in keys])


def forget_failures(db: Connection, key: str) -> None:
    """After a good sign-in."""
    db.execute(delete(failure).where(failure.c.key == _secret_hash(key)))


def password_hash(db: Connection, name: str) -> tuple[str | None, str]:
    """(user id, hash) of an account that may sign in; without one, no id and a hash that takes as long to check."""
    row = db.execute(
        select(user.c.id, user.c.password).where(user.c.name == name, user.c.disabled_at.is_(None))
    ).first()
    return (row.id, row.password) if row else (None, _nobody())


def password_matches(stored: str, password: str) -> bool:
    """Whether it is the password; takes some 50 ms on purpose. Touches no database."""
    try:
        with _AT_ONCE:
            return _HASHER.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


def start_session(db: Connection, user_id: str, now: datetime) -> tuple[str, str]:
    """(cookie, csrf token) of a new session; only the cookie's hash is kept."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    moment = int(now.timestamp())
    values = {"user_id": user_id, "csrf": csrf, "created_at": moment, "seen_at": moment}
    db.execute(insert(session).values(token=_secret_hash(token), **values))
    return token, csrf


def open_session(db: Connection, token: str, now: datetime, hours: int) -> Session | None:
    """The session of a cookie, unless it is over or the account was disabled."""
    query = select(session).where(
        session.c.token == _secret_hash(token),
        session.c.created_at > int((now - timedelta(hours=hours)).timestamp()),
        session.c.seen_at > int((now - _IDLE).timestamp()),
    )
    row = db.execute(query).first()
    if row is None:
        return None
    found = _one(db, row.user_id)
    return None if found.disabled else Session(found, row.csrf)


def keep_session(db: Connection, token: str, now: datetime) -> None:
    """The session is in use."""
    db.execute(update(session).where(session.c.token == _secret_hash(token)).values(seen_at=int(now.timestamp())))


def end_session(db: Connection, token: str) -> None:
    """Sign out."""
    db.execute(delete(session).where(session.c.token == _secret_hash(token)))


def end_sessions(db: Connection, user_id: str) -> None:
    """Sign out everywhere."""
    db.execute(delete(session).where(session.c.user_id == user_id))


def end_old_sessions(db: Connection, now: datetime) -> None:
    """Forget sessions that are over."""
    db.execute(delete(session).where(session.c.seen_at <= int((now - _IDLE).timestamp())))


def _hash(password: str) -> str:
    with _AT_ONCE:
        return _HASHER.hash(password)


@cache
def _nobody() -> str:
    return _hash(secrets.token_hex(16))


def _secret_hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# ---- saved searches


def saved(db: Connection, user_id: str, office: str) -> list[SavedSearch]:
    """What the person saved, by name."""
    query = select(saved_search).where(saved_search.c.user_id == user_id, saved_search.c.office == office)
    return [SavedSearch(row.id, row.name, row.query) for row in db.execute(query.order_by(saved_search.c.name))]


def save(db: Connection, user_id: str, office: str, name: str, query: str) -> None:
    """Save a search under a name; the same name again replaces it. Raises ConfigError for too many or a bad name."""
    name = " ".join(name.split())[:80]
    if not name:
        raise ConfigError(_("give the search a name"))
    mine = (saved_search.c.user_id == user_id, saved_search.c.office == office)
    db.execute(delete(saved_search).where(*mine, saved_search.c.name == name))
    if len(saved(db, user_id, office)) >= _SAVED:
        raise ConfigError(_("{limit} searches are saved already; remove one first").format(limit=_SAVED))
    db.execute(insert(saved_search).values(user_id=user_id, office=office, name=name, query=query[:2_000]))


def unsave(db: Connection, user_id: str, search_id: int) -> None:
    """Remove a saved search of one's own."""
    db.execute(delete(saved_search).where(saved_search.c.user_id == user_id, saved_search.c.id == search_id))
