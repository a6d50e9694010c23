"""Settings: the package's defaults < the operator's file < KENTONGAN__SECTION__KEY. Read once, at the edge."""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, Field, ValidationError, field_validator

from pipeline.core.config_dataset import DatasetMap, DatasetSettings
from pipeline.core.config_drift import DriftSettings
from pipeline.core.config_policy import Policy
from pipeline.core.config_retention import Retention
from pipeline.core.config_sources import SOURCE_NAME, ClaimSourceSettings, Section, SourceSettings, check_names
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

__all__ = ["SOURCE_NAME", "ClaimSourceSettings", "Retention", "Section", "SourceSettings"]  # defined in config_...

DEFAULTS = Path(__file__).resolve().parent.parent / "settings.toml"
ENV_PREFIX = "KENTONGAN__"
SAMPLE = "DATA CONTOH"  # in an office's name: every page and file says that nothing in it is real


class Office(Section):
    """Which office this is, where and in which language."""

    code: str = Field(pattern=r"^\d{2}(\.\d{2})?$")
    name: str
    timezone: str
    language: Literal["id", "en"]
    calendar: str
    institutions: str

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(_("unknown time zone; use Asia/Jakarta, Asia/Makassar or Asia/Jayapura")) from error
        return value

    @property
    def is_sample(self) -> bool:
        """Whether its name says that nothing in it is real."""
        return SAMPLE in self.name.upper()

    @property
    def zone(self) -> ZoneInfo:
        """The office's time zone, in which partitions and times without a zone are read."""
        return ZoneInfo(self.timezone)


class Paths(Section):
    """Where things are kept."""

    home: Path

    @field_validator("home", mode="after")
    @classmethod
    def _expand(cls, value: Path) -> Path:
        return value.expanduser().absolute()


class Log(Section):
    """Logs on standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    format: Literal["text", "json"]


class Fetch(Section):
    """The HTTP client. Times in seconds, sizes in bytes."""

    contact: str
    timeout: float = Field(gt=0)
    total_timeout: float = Field(gt=0)
    max_bytes: int = Field(gt=0)
    max_redirects: int = Field(ge=0)
    retries: int = Field(ge=0)
    pace: float = Field(ge=0)
    max_entries: int = Field(gt=0)
    articles: bool
    allow_hosts: tuple[str, ...]


class Intake(Section):
    """What a file must be like to be taken in."""

    one_person_share: float = Field(gt=0, le=1)
    one_person_rows: int = Field(ge=2)
    max_text: int = Field(ge=280)


class NearDuplicates(Section):
    """When two posts count as copies of each other."""

    threshold: float = Field(gt=0, le=1)
    days: int = Field(ge=0, le=31)
    min_letters: int = Field(ge=0)


class Models(Section):
    """Which model is in service."""

    name: str
    folder: str


class Claims(Section):
    """How posts are matched with claims, and when a text that spreads fast is worth a fact-check."""

    suggest_rate: float = Field(gt=0, le=0.1)
    match_rate: float = Field(gt=0, le=0.1)
    old_days: int = Field(ge=1)
    back_days: int = Field(ge=0, le=90)
    encoder: str
    spread_copies: int = Field(ge=0)
    spread_accounts: int = Field(ge=5)
    spread_hours: int = Field(ge=1, le=168)


class StoreSettings(Section):
    """The search index. Secrets are no settings: see the two files and the environment."""

    kind: Literal["sqlite", "elastic", "memory"]
    urls: tuple[str, ...]
    user: str
    password_file: str
    api_key_file: str
    ca_file: str
    ca_fingerprint: str
    prefix: str = Field(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")
    replicas: int = Field(ge=0, le=5)

    @field_validator("urls")
    @classmethod
    def _plain(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        """Messages, logs and `kentongan config` name an address: nothing secret may stand in it."""
        for value in values:
            try:
                parts = urlsplit(value)
                whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port
            except ValueError:
                whole = False
            if not whole or parts.username is not None or parts.query or parts.fragment:
                raise ValueError(
                    _("write each address as https://es1.example.go.id:9200: with its port, without password or key")
                )
        return values


class LedgerSettings(Section):
    """Where decisions and the audit are kept. The password is no setting: see `password_file` and the environment."""

    kind: Literal["sqlite", "postgresql"]
    host: str
    port: int = Field(ge=1, le=65535)
    database: str
    user: str
    password_file: str


class Review(Section):
    """The review desk."""

    host: str
    port: int = Field(ge=0, le=65535)
    public_address: str
    hide_signals: bool
    batch: int = Field(ge=1, le=50)
    hold_minutes: int = Field(ge=1, le=480)
    session_hours: int = Field(ge=1, le=24)
    day_ends: str
    metrics_token_file: str

    @field_validator("day_ends")
    @classmethod
    def _time_of_day(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", value):
            raise ValueError(_("write a time of day as 07:30, or 24:00"))
        return value

    @field_validator("public_address")
    @classmethod
    def _is_address(cls, value: str) -> str:
        if value and not re.fullmatch(r"https?://[^/\s?#@]+", value):
            raise ValueError(_("write the address as https://desk.example.go.id, without a path"))
        return value


class Privacy(Section):
    """Pseudonyms."""

    election_period: str = Field(pattern=r"^[A-Za-z0-9-]{1,32}$")


class Settings(Section):
    """All settings; each room is handed its own section."""

    office: Office
    paths: Paths
    log: Log
    fetch: Fetch
    intake: Intake
    near_duplicates: NearDuplicates
    models: Models
    policy: Policy
    claims: Claims
    store: StoreSettings
    ledger: LedgerSettings
    review: Review
    privacy: Privacy
    retention: Retention
    dataset: DatasetSettings
    drift: DriftSettings
    sources: dict[str, SourceSettings]
    claim_sources: dict[str, ClaimSourceSettings]

    @field_validator("sources", "claim_sources")
    @classmethod
    def _plain_names(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_names(list(value))
        return value


def load_settings(path: Path | None = None, environ: dict[str, str] | None = None) -> tuple[Settings, dict[str, str]]:
    """Read the settings and where each value came from ("default", the file's name, or the variable's name).

    Raises ConfigError that names the file, the key and, for an unknown key, the nearest known one.
    """
    environ = dict(os.environ) if environ is None else environ
    layers = [("default", _read_toml(DEFAULTS))]
    if path is None and environ.get("KENTONGAN_CONFIG"):
        path = Path(environ["KENTONGAN_CONFIG"])
    if path is not None:
        layers.append((path.name, _read_toml(path)))
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, layer in [*layers, *_environment(environ)]:
        _merge(merged, layer, origins, name)
    if path is not None:
        _anchor_paths(merged, origins, path)
    try:
        return Settings.model_validate(merged), origins
    except ValidationError as error:
        raise ConfigError(_explain(error, origins)) from error


def shipped_retention() -> Retention:
    """The periods that come with the program."""
    return Retention.model_validate(_read_toml(DEFAULTS)["retention"])


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested dict as {"section.key": value}; an empty dict is a value of its own."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat |= flatten(value, name + ".")
        else:
            flat[name] = value
    return flat


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(_("there is no config file {path}").format(path=path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(_("{path} cannot be read as TOML: {error}").format(path=path, error=error)) from error


def _environment(environ: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """One layer for each KENTONGAN__ variable, named after it."""
    layers = []
    for name in sorted(environ):
        if not name.startswith(ENV_PREFIX):
            continue
        keys = name[len(ENV_PREFIX) :].lower().split("__")
        layer: dict[str, Any] = {keys[-1]: _json_or_text(environ[name])}
        for key in reversed(keys[:-1]):
            layer = {key: layer}
        layers.append((name, layer))
    return layers


def _json_or_text(value: str) -> Any:
    """A list or table is written as JSON; everything else is text that pydantic converts."""
    if value[:1] in "[{":
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _merge(into: dict[str, Any], layer: dict[str, Any], origins: dict[str, str], name: str, prefix: str = "") -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            origins.pop(f"{prefix}{key}", None)  # an empty table had an origin of its own
            _merge(into[key], value, origins, name, f"{prefix}{key}.")
        else:
            into[key] = value
            origins |= dict.fromkeys(flatten({key: value}, prefix), name)


def _anchor_paths(merged: dict[str, Any], origins: dict[str, str], file: Path) -> None:
    """Paths that the operator's file gives are relative to that file, wherever the program is started."""
    folder = file.absolute().parent
    places = [("paths", "home"), ("models", "folder"), ("policy", "topics"), ("policy", "threats")]
    places += [("office", "calendar"), ("office", "institutions"), ("ledger", "password_file")]
    places += [("review", "metrics_token_file"), ("claims", "encoder")]
    places += [("store", name) for name in ("password_file", "api_key_file", "ca_file")]
    for section, key in places:
        values = merged.get(section)
        if isinstance(values, dict) and origins.get(f"{section}.{key}") == file.name and values.get(key):
            values[key] = str(folder / Path(str(values[key])).expanduser())
    for section in ("sources", "claim_sources"):
        sources = merged.get(section)
        for name, source in sources.items() if isinstance(sources, dict) else ():
            for key in ("path", "url"):
                value = source.get(key) if isinstance(source, dict) else None
                mine = origins.get(f"{section}.{name}.{key}") == file.name
                if mine and isinstance(value, str) and value and "://" not in value:
                    source[key] = str(folder / Path(value).expanduser())


def _explain(error: ValidationError, origins: dict[str, str]) -> str:
    lines = []
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"])
        where = origins.get(key) or _origins_under(key, fault["msg"], origins)
        if fault["type"] == "extra_forbidden":
            line = _("unknown setting {key}").format(key=key) + _nearest(fault["loc"])
        else:
            line = _("setting {key}: {problem}").format(key=key, problem=fault["msg"].removeprefix("Value error, "))
        lines.append(f"{line} [{where}]" if where else line)
    return "\n".join(lines)


def _origins_under(section: str, problem: str, origins: dict[str, str]) -> str:
    """Who set what is wrong with a whole section: its keys that the problem names, of these what is no default."""
    under = {key: name for key, name in origins.items() if key.startswith(section + ".")}
    named = [name for key, name in under.items() if key in problem] or list(under.values())
    return ", ".join(dict.fromkeys([name for name in named if name != "default"] or named))


def _nearest(location: tuple[str | int, ...]) -> str:
    """`; did you mean ...?` with the nearest known key of the same section."""
    model: Any = Settings
    for part in location[:-1]:
        if model is dict or part not in getattr(model, "model_fields", {}):
            model = {"claim_sources": ClaimSourceSettings, "dataset": DatasetMap}.get(str(location[0]), SourceSettings)
            continue
        annotation = model.model_fields[part].annotation
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else dict
    known = list(getattr(model, "model_fields", {}))
    near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    if near:
        return _("; did you mean {name}?").format(name=near[0])
    return _("; known here: {names}").format(names=", ".join(known))
