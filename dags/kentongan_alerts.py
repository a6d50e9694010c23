"""Tells people that a task failed or a run is late: by a file, a webhook or e-mail, one message per thing.

What is told are names, counts and a link, never a message of an error: that one may hold words of a post. The same
thing is told again after a day, or once it has been well in between. Where to stands in the environment, as some of it
is secret (docs/jadwal.md).
"""

from __future__ import annotations

import json
import os
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import structlog
from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback, conf

from pipeline.core.config import load_settings

_AGAIN = timedelta(days=1)
_SECONDS = 20
_TOLD = "alerts"  # a folder of the home's state: a file for each thing that was told
_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_TEXTS = {
    "id": {
        "failed": "{office}: {thing} gagal ({error}, percobaan ke-{tries}).",
        "late": "{office}: {thing} terlambat, lebih dari {minutes} menit.",
        "quiet": "{office}: sumber {thing} {how}; terakhir ada yang baru: {last}.",
        "question": "{office}: {thing} menunggu persetujuan seseorang, paling lama {days} hari.",
    },
    "en": {
        "failed": "{office}: {thing} failed ({error}, try {tries}).",
        "late": "{office}: {thing} is late, by more than {minutes} minutes.",
        "quiet": "{office}: source {thing} {how}; last new: {last}.",
        "question": "{office}: {thing} waits for a person to approve, {days} days at most.",
    },
}

_QUIET = {
    "id": {
        "never": "belum pernah memberi apa pun",
        "silent": "diam",
        "old": "hanya memberi yang lama",
        "low": "memberi jauh lebih sedikit dari biasanya",
    },
    "en": {
        "never": "never gave anything",
        "silent": "is silent",
        "old": "gives only what is old",
        "low": "gives much less than usual",
    },
}

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alert:
    """What is told; `thing` is a DAG, a task and, where it is mapped, the source or partition."""

    kind: str
    office: str
    thing: str
    at: str
    link: str
    text: str


def failed(context: Mapping[str, Any]) -> None:
    """Called by Airflow when a task has failed for good, never for a retry."""
    ti, error = context["ti"], context.get("exception")
    _tell(
        "failed",
        _name(ti),
        getattr(ti, "log_url", ""),
        error=type(error).__name__ if isinstance(error, BaseException) else "Error",
        tries=ti.try_number,
    )


def well(context: Mapping[str, Any]) -> None:
    """Called when a task has succeeded: should it fail again, that is news."""
    _mark(_folder(), "failed", _name(context["ti"])).unlink(missing_ok=True)


def late(dag: str, minutes: int, context: Mapping[str, Any] | None = None) -> None:
    """Called when a run has not ended in time; each run is told once."""
    run = (context or {}).get("dag_run") or {}
    _tell("late", dag, _link(dag, run.get("dag_run_id") or run.get("run_id") or ""), minutes=minutes)


def heard(source: str, level: str, last: str, *, quiet: bool) -> None:
    """A source fell quiet (`last`: the partition of what was new last), or was heard: then the next time is news."""
    if not quiet:
        _mark(_folder(), "quiet", source).unlink(missing_ok=True)
        return
    language = load_settings()[0].office.language
    _tell("quiet", source, _link("check_freshness"), how=_QUIET[language][level], last=last or "-")


def question(dag: str, run_id: str, days: int) -> None:
    """A run needs a person's yes, or it ends with a no."""
    _tell("question", dag, _link(dag, run_id), days=days)


def late_after(dag: str, minutes: int) -> DeadlineAlert:
    """The deadline of a DAG, from the moment at which a run was queued."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=SyncCallback(late, {"dag": dag, "minutes": minutes}),
    )


def _link(dag: str, run_id: str = "") -> str:
    return f"{conf.get('api', 'base_url', fallback='')}/dags/{dag}" + (f"/runs/{run_id}" if run_id else "")


def _name(ti: Any) -> str:
    mapped = getattr(ti, "rendered_map_index", None)
    return " ".join(filter(None, (ti.dag_id, ti.task_id, mapped)))


def _tell(kind: str, thing: str, link: str, **about: Any) -> None:
    """Tell each channel that is configured; one that fails stops no other, and never the schedule."""
    from pipeline.core.home import Home

    now, settings = datetime.now(UTC), load_settings()[0]
    mark = _mark(_folder(), kind, thing)
    if mark.exists() and now - datetime.fromtimestamp(mark.stat().st_mtime, UTC) < _AGAIN:
        _log.info("alert_told_before", kind=kind, thing=thing)
        return
    text = _TEXTS[settings.office.language][kind].format(office=settings.office.name, thing=thing, **about)
    alert = Alert(kind, settings.office.code, thing, now.isoformat(timespec="seconds"), link, text)
    taken = [name for name, send in CHANNELS.items() if _sent(name, send, alert)]
    if taken:
        Home(settings.paths.home).make()  # with its own mode; the first task of all may be the one that fails
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
    _log.info("alert", kind=kind, thing=thing, told=",".join(taken) or "nobody: no channel took it")


def _sent(name: str, send: Callable[[Alert], bool], alert: Alert) -> bool:
    try:
        return send(alert)
    except Exception as error:  # whatever it is, the other channels are still to be told
        _log.warning("alert_not_sent", channel=name, error=type(error).__name__)
        return False


def _folder() -> Path:
    return load_settings()[0].paths.home / "state" / _TOLD


def _mark(folder: Path, kind: str, thing: str) -> Path:
    return folder / sha256(f"{kind}\0{thing}".encode()).hexdigest()[:20]


# ---- channels: each says whether it is configured and took the alert


def to_file(alert: Alert) -> bool:
    """A line of JSON, for offices without a way out: KENTONGAN_ALERT_FILE."""
    path = os.environ.get("KENTONGAN_ALERT_FILE")
    if not path:
        return False
    line = json.dumps(asdict(alert), ensure_ascii=False) + "\n"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as file:
        file.write(line)  # one write of less than a page: lines of two tasks do not mix
    return True


def to_webhook(alert: Alert) -> bool:
    """A POST of JSON; `text` is what chat programs show: KENTONGAN_ALERT_WEBHOOK, which may be a secret."""
    import httpx

    address = os.environ.get("KENTONGAN_ALERT_WEBHOOK")
    if not address:
        return False
    message = asdict(alert) | {"text": f"{alert.text}\n{alert.link}"}
    httpx.post(address, json=message, timeout=_SECONDS).raise_for_status()
    return True


def to_mail(alert: Alert) -> bool:
    """An e-mail through KENTONGAN_ALERT_SMTP (smtp://user@host:587 or smtps://...), with TLS but on loopback."""
    server, to = os.environ.get("KENTONGAN_ALERT_SMTP"), os.environ.get("KENTONGAN_ALERT_TO")
    if not (server and to):
        return False
    parts = urlsplit(server)
    host, tls = parts.hostname or "localhost", ssl.create_default_context()
    message = EmailMessage()
    message["Subject"] = " ".join(alert.text.split())[:150]
    message["From"] = os.environ.get("KENTONGAN_ALERT_FROM") or to.split(",")[0].strip()
    message["To"] = to
    message.set_content(f"{alert.text}\n\n{alert.link}\n")
    made = (
        smtplib.SMTP_SSL(host, parts.port or 465, timeout=_SECONDS, context=tls)
        if parts.scheme == "smtps"
        else smtplib.SMTP(host, parts.port or 587, timeout=_SECONDS)
    )
    with made as connection:
        if parts.scheme != "smtps" and host not in _LOOPBACK:
            connection.starttls(context=tls)
        if parts.username:
            connection.login(unquote(parts.username), os.environ.get("KENTONGAN_ALERT_SMTP_PASSWORD", ""))
        connection.send_message(message)
    return True


CHANNELS: dict[str, Callable[[Alert], bool]] = {"file": to_file, "webhook": to_webhook, "mail": to_mail}
