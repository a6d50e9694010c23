"""What an office put in service: copies of vouched models in its home, and the file that names the one that serves.

home/models/<kind>-<date>/         a promoted model, copied whole and renamed into place
home/models/in-service.json        which one serves: name, SHA-256 of its manifest, since when, by whom, what was before
home/models/in-service.last.json   the same, written after it: what counts while the first is damaged or gone
home/models/shadow.json            which candidate scores beside it and decides nothing

A kill leaves the old pointer or the new one, and a model's folder is whole or not there. A model is *vouched for* if
its manifest has the hash that was noted at promotion, and each file the hash that the manifest says.
"""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

from pipeline.classify.artefact import MANIFEST, is_model_name, read_manifest
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.files import folder_in_place_of, written_aside
from pipeline.core.i18n import _

POINTER = "in-service.json"
COPY = "in-service.last.json"
SHADOW = "shadow.json"
FORMAT = 1
RUN = "run"
"""What a training left for people beside the model; no manifest vouches for it, and it stays where it is."""
MOST_BEFORE = 20
"""So many earlier models are remembered; who wants an older one promotes it again."""
MAX_FILE_BYTES = 2_000_000_000
"""No file of a model is larger: BERT-base in full precision has 440 MB."""

_ASIDE = ".copy-"
_BLOCK = 1 << 20
_MAX_POINTER = 1_000_000

Where = Literal["home", "shipped"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that serves or served: `where` it lies, and when and by whom it was put in service."""

    name: str
    sha256: str
    where: Where
    since: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """What in-service.json says; `before` is newest first. `alarm` says what is wrong with the file, if anything."""

    now: Entry | None = None
    before: tuple[Entry, ...] = ()
    alarm: str = ""


def read_state(place: Path) -> State:
    """What serves by the files in home/models; never raises: a damaged file is an alarm beside the last good state."""
    pointer, copy = place / POINTER, place / COPY
    if not pointer.exists() and not pointer.is_symlink() and not copy.exists():
        return State()
    try:
        return _read_pointer(pointer)
    except ModelError as error:
        alarm = str(error)
    try:
        found = _read_pointer(copy)
    except ModelError:
        return State(alarm=alarm)
    return State(found.now, found.before, alarm)


def write_state(place: Path, state: State) -> None:
    """Point at another model: one rename; the copy is written after it, so that it is never ahead."""
    entry = asdict(state.now) if state.now else None
    before = [asdict(each) for each in state.before[:MOST_BEFORE]]
    value = {"format": FORMAT, "in_service": entry, "before": before}
    content = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    for name in (POINTER, COPY):
        with written_aside(place / name) as aside:
            aside.write_text(content, encoding="utf-8")


def read_shadow(place: Path) -> Entry | None:
    """The candidate that scores beside the model in service; raises ModelError if the file is damaged.

    A candidate always lies in the home, copied and vouched for: `shipped` would follow the program's own model to
    another version, or hold the model in service against itself.
    """
    path = place / SHADOW
    if not path.exists() and not path.is_symlink():
        return None
    wrong = ModelError(
        _("{path} is damaged, and no candidate scores; name one again: kentongan models shadow").format(path=path)
    )
    value = _read_json(path, wrong)
    entry = _entry(value.get("shadow")) if isinstance(value, dict) and value.get("format") == FORMAT else None
    if entry is not None and entry.where != "home":
        raise ModelError(
            _(
                "{path} names a model outside of this home, and no candidate scores; "
                "name one again, it is copied here: kentongan models shadow"
            ).format(path=path)
        )
    if entry is None:
        raise wrong
    return entry


def shadow_hash(place: Path) -> str:
    """The hash of the candidate in the shadow; empty if there is none that can be read."""
    try:
        entry = read_shadow(place)
    except ModelError:
        return ""
    return entry.sha256 if entry else ""


def write_shadow(place: Path, entry: Entry | None) -> None:
    """Let that candidate score beside the model in service, or none."""
    if entry is None:
        if (place / SHADOW).is_dir():
            raise folder_in_place_of(place / SHADOW)
        (place / SHADOW).unlink(missing_ok=True)
        return
    with written_aside(place / SHADOW) as aside:
        content = {"format": FORMAT, "shadow": asdict(entry)}
        aside.write_text(json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def check_vouched(folder: Path, wanted: str = "") -> dict[str, Any]:
    """Check every file of a model's folder against its manifest, and that against `wanted`; returns the manifest.

    Raises ModelError that names the file: a link, a path that leaves the folder, a byte too many, another hash.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise ModelError(_("there is no model in {path}; install or train it again").format(path=folder))
    _plain_size(folder / MANIFEST)
    manifest, digest = read_manifest(folder)
    if wanted and digest != wanted:
        raise _unvouched(folder / MANIFEST, _("it is not the one that was promoted"))
    if manifest["name"] != folder.name:
        raise _unvouched(
            folder / MANIFEST, _("it is the manifest of {name}").format(name=ascii(manifest["name"])[1:-1])
        )
    for name, entry in _listed(manifest, folder).items():
        if (folder / name).parent.is_symlink():
            raise _unvouched((folder / name).parent, _("it is a link or no file at all"))
        _check_file(folder / name, entry)
    return manifest


def copy_in(source: Path, place: Path, digest: str) -> tuple[Path, list[str]]:
    """Copy a vouched model into home/models; returns its folder there, and what the manifest does not vouch for.

    The copy is made aside, checked again and renamed. One of that name and content that is there already stays, and
    is made again if it was damaged. Raises ModelError for the source, ConfigError if another model has that name.
    """
    target = place / source.name
    names = {MANIFEST, *check_vouched(source, digest)["files"]}
    kept = {*names, *(str(Path(name).parent) for name in names)}
    found = (path.relative_to(source) for path in source.rglob("*"))
    left = sorted(name for path in found if path.parts[0] != RUN and (name := path.as_posix()) not in kept)
    if target.is_symlink() or (target.exists() and not _is_same(target, digest)):
        raise ConfigError(
            _("another model of the name {name} is in {place}: train it again with another --date").format(
                name=source.name, place=place
            )
        )
    if _is_whole(target, digest):
        return target, left
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _aside(place) as aside:
        copy = aside / source.name
        copy.mkdir(mode=0o700)
        for name in sorted(names):
            (copy / name).parent.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(source / name, copy / name, follow_symlinks=False)
        check_vouched(copy, digest)
        if target.exists():  # it is damaged, and serves nobody
            target.rename(aside / "damaged")
        copy.rename(target)
    return target, left


def remove_unfinished(place: Path) -> None:
    """Remove what killed promotions left aside; only while the lock of models is held."""
    for path in place.glob(f"{_ASIDE}*"):
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _aside(place: Path) -> Iterator[Path]:
    folder = place / f"{_ASIDE}{token_hex(6)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_same(folder: Path, digest: str) -> bool:
    try:
        return read_manifest(folder)[1] == digest
    except ModelError:
        return False


def _is_whole(folder: Path, digest: str) -> bool:
    try:
        check_vouched(folder, digest)
    except ModelError:
        return False
    return True


def _listed(manifest: Mapping[str, Any], folder: Path) -> dict[str, Mapping[str, Any]]:
    files = manifest.get("files")
    if not isinstance(files, dict) or not files:
        raise _unvouched(folder / MANIFEST, _("it names no files"))
    for name, entry in files.items():
        if not _is_plain(name) or name == MANIFEST:
            raise _unvouched(
                folder / MANIFEST, _("it names {name}, which is no plain file name").format(name=ascii(name))
            )
        if not isinstance(entry, dict) or not isinstance(entry.get("sha256"), str):
            raise _unvouched(folder / MANIFEST, _("it has no hash of {name}").format(name=ascii(name)))
    return files


def _is_plain(name: str) -> bool:
    """Whether this is a file's name, or that of a file in a folder of a member of a cascade: `tfidf/weights.npz`."""
    parts = name.split("/")
    return len(parts) <= 2 and not any(
        not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts
    )


def _check_file(path: Path, entry: Mapping[str, Any]) -> None:
    size = _plain_size(path)
    if size != entry.get("bytes", size):
        raise _unvouched(path, _("its size is not the one in the manifest: it is cut short or was changed"))
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise _unvouched(path, _("it cannot be read ({error})").format(error=error.strerror)) from error
    if digest.hexdigest() != entry["sha256"]:
        raise _unvouched(path, _("its hash is not the one in the manifest: it is cut short or was changed"))


def _plain_size(path: Path) -> int:
    """The size of a plain file; raises ModelError for a link, a pipe, a folder, or one that is too large."""
    try:
        found = path.lstat()
    except OSError as error:
        raise _unvouched(path, _("it is missing")) from error
    if not stat.S_ISREG(found.st_mode):
        raise _unvouched(path, _("it is a link or no file at all"))
    if found.st_size > MAX_FILE_BYTES:
        raise _unvouched(path, _("it is larger than {limit} bytes").format(limit=MAX_FILE_BYTES))
    return found.st_size


def _read_pointer(path: Path) -> State:
    wrong = ModelError(
        _("{path} is damaged, and the last model that it named stays; put one in service again: kentongan promote")
        .format(path=path)
    )  # fmt: skip
    value = _read_json(path, wrong)
    if not isinstance(value, dict) or value.get("format") != FORMAT or not isinstance(value.get("before"), list):
        raise wrong
    entries = [_entry(found) for found in (value.get("in_service"), *value["before"])]
    if any(entry is None for entry in entries):
        raise wrong
    now, *before = (entry for entry in entries if entry is not None)
    return State(now, tuple(before[:MOST_BEFORE]))


def _read_json(path: Path, wrong: ModelError) -> Any:
    """What a file says; raises `wrong` if it is damaged, and says so where it can be neither read nor replaced."""
    if path.is_dir():
        raise ModelError(_("{path} is a folder, and should be a file; move it away").format(path=path))
    try:
        if not path.is_file() or path.stat().st_size > _MAX_POINTER:
            raise wrong
        return json.loads(path.read_bytes())
    except PermissionError as error:
        raise ModelError(_("{path} cannot be read; check owner and rights").format(path=path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise wrong from error


def _entry(found: object) -> Entry | None:
    """A well-formed entry, or None: a name in it can lead nowhere but into home/models."""
    if not isinstance(found, dict) or not set(found) <= set(Entry.__slots__):
        return None
    if not all(isinstance(value, str) for value in found.values()) or found.get("where") not in ("home", "shipped"):
        return None
    if not is_model_name(found.get("name", "")) or len(found.get("sha256", "")) != 64:
        return None
    return Entry(**found)


def _unvouched(path: Path, reason: str) -> ModelError:
    return ModelError(
        _("the model file {path} cannot be used: {reason}; install or train the model again").format(
            path=path, reason=reason
        )
    )
