"""Which column of a file is which of our fields: an allow-list; what is not named here never leaves the reader.

Columns are compared folded: "Created At", "created_at" and "createdAt" are one.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.sources.rows import plain_name

FIELDS = (
    "text",
    "title",
    "published_at",
    "id",
    "author",
    "url",
    "platform",
    "kind",
    "visibility",
    "region",
    "language",
)


@dataclass(frozen=True, slots=True)
class Ready:
    """A ready mapping: folded column names by field, best first; `marks` are columns that give the tool away.

    A row takes the first of its columns that is not empty. `zone` is that of times without one, else the office's.
    """

    columns: Mapping[str, tuple[str, ...]]
    marks: tuple[frozenset[str], ...] = ()
    kind: str = ""
    platform: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """A mapping made for one file: the file's own column names by field."""

    name: str
    fields: Mapping[str, tuple[str, ...]]
    kind: str = ""
    platform: str = ""
    zone: str = ""
    day_and_time: bool = False
    protected: tuple[str, ...] = ()
    used: frozenset[str] = field(default_factory=frozenset)

    def shown(self) -> dict[str, str]:
        """Field -> columns, to be printed."""
        joint = {"published_at": " + "} if self.day_and_time else {}
        return {ours: joint.get(ours, " | ").join(theirs) for ours, theirs in self.fields.items()}


def _words(**columns: str) -> dict[str, tuple[str, ...]]:
    return {ours: tuple(theirs.split()) for ours, theirs in columns.items()}


def _marks(*alternatives: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(columns.split()) for columns in alternatives)


_THREAD = "snippet.toplevelcomment.snippet."
READY = {
    "telegram": Ready(
        _words(text="text", id="id", published_at="dateunixtime date"),
        _marks("textentities dateunixtime", "fromid dateunixtime", "fromid textentities"),
        platform="telegram",
    ),
    "x-v2": Ready(
        _words(
            text="notetweet.text text",
            published_at="createdat",
            id="id idstr",
            author="authorid author.username username",
            language="lang",
        ),
        _marks("text edithistorytweetids", "text authorid createdat", "text conversationid createdat"),
        platform="x",
    ),
    "youtube-comments": Ready(
        _words(
            text=f"textoriginal textdisplay snippet.textoriginal snippet.textdisplay {_THREAD}textoriginal "
            f"{_THREAD}textdisplay commenttext comment text",
            published_at=f"publishedat snippet.publishedat {_THREAD}publishedat timeparsed publishedtime date time",
            id="commentid cid id",
            author=f"authorchannelid.value authorchannelid snippet.authorchannelid.value "
            f"{_THREAD}authorchannelid.value channel authordisplayname author username",
            url="commenturl url",
        ),
        _marks(
            "textoriginal",
            "textdisplay",
            "snippet.textdisplay",
            f"{_THREAD}textdisplay",
            "cid text",
            "commentid comment",
        ),
        kind="comment",
        platform="youtube",
    ),
    # 4CAT writes `timestamp` in UTC and without a zone.
    "4cat": Ready(
        _words(
            text="body",
            title="subject",
            published_at="unixtimestamp timestamp",
            id="id",
            author="author authorid",
            url="url link posturl tiktokurl",
            language="languageguess language lang",
        ),
        _marks("threadid timestamp body"),
        zone="UTC",
    ),
    "listening": Ready(
        _words(
            text="fulltext snippet content message text title",
            title="title headline",
            published_at="date publishedat created",
            id="mentionid resourceid guid",
            author="author username",
            url="url originalurl link",
            platform="pagetype contentsource sourcetype channel",
            language="language",
        ),
        _marks("pagetype url", "snippet url date", "fulltext contentsource"),
    ),
    "plain": Ready({name: (name.replace("_", ""),) for name in FIELDS}, _marks("text publishedat")),
}
_GUESS = Ready(
    _words(
        text="text teks fulltext isi isipesan isipost isiunggahan isikomentar konten content caption tweet tweettext "
        "tweetcontent cuitan kicauan posttext posting postingan unggahan pesan message body komentar comment status "
        "deskripsi description isiberita berita artikel article narasi uraian apa",
        title="title judul headline judulberita subject",
        published_at="publishedat createdat timestamp datetime tanggalwaktu waktutayang tanggaltayang waktuposting "
        "tanggalposting tglposting postedat posttime postdate publishedtime published created createdtime createtime "
        "tanggal tgl date waktu time",
        id="id tweetid postid statusid idstr idpost idtweet commentid idkomentar messageid",
        author="author username screenname userscreenname user akun namaakun account accountname penulis pengguna "
        "handle author.username user.screenname user.username authorid userid channelid",
        url="url link tautan permalink posturl tweeturl postlink permalinkurl alamat urlpost linkpost",
        platform="platform medsos mediasosial socialnetwork network kanal sosmed",
        kind="kind jenis",
        visibility="visibility visibilitas privacy privasi",
        region="region wilayah kodewilayah kodekemendagri",
        language="language lang bahasa",
    )
)
_DAYS = frozenset({"tanggal", "tgl", "date"})
_TIMES = ("jam", "waktu", "pukul", "time")
_PROTECTED = "protected author.protected user.protected authorprotected userprotected isprivate private isprotected"


def fold(name: str) -> str:
    """A column's name without case, spaces and signs; the dots of nested names stay."""
    return "".join(char for char in name.casefold() if char.isalnum() or char == ".")


def find_columns(
    columns: Sequence[str], ready: str = "", own: Mapping[str, str] | None = None, file: str = ""
) -> Columns:
    """Map a file's columns: by the named ready mapping, else the tool's marks, else their names; `own` goes over it.

    Raises ConfigError if there is no such mapping, field or column, or no text column.
    """
    folded = {fold(name): name for name in reversed(columns)}
    name = ready or next((tool for tool, spec in READY.items() if _marked(spec, folded)), "")
    if name and name not in READY:
        raise ConfigError(_unknown(_('no ready mapping "{name}"').format(name=name), name, READY))
    spec = READY[name] if name else _GUESS
    fields = {ours: found for ours, theirs in spec.columns.items() if (found := _present(theirs, folded))}
    if not name:
        fields = {ours: found[:1] if ours != "author" else found[:2] for ours, found in fields.items()}
    split = _split_time(fields, folded) if not name else False
    for ours, theirs in (own or {}).items():
        fields[ours] = _own(ours, theirs, columns, folded, file)
        split = split if ours != "published_at" else len(fields[ours]) > 1
    if "text" not in fields:
        raise _no_text(columns, file)
    protected = tuple(theirs for key, theirs in folded.items() if key in _PROTECTED.split())
    used = frozenset(protected).union(*fields.values())
    return Columns(name or "names", fields, spec.kind, spec.platform, spec.zone, split, protected, used)


def is_telegram(columns: Sequence[str]) -> bool:
    """Whether these are the columns of a Telegram Desktop export, whatever mapping the user names."""
    return _marked(READY["telegram"], {fold(name) for name in columns})


def _marked(spec: Ready, folded: Collection[str]) -> bool:
    return any(mark.issubset(folded) for mark in spec.marks)


def _present(names: tuple[str, ...], folded: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(folded[name] for name in names if name in folded)


def _split_time(fields: dict[str, tuple[str, ...]], folded: Mapping[str, str]) -> bool:
    """Add the column of the hour to that of the day, if they stand apart."""
    day = fields.get("published_at", ("",))[0]
    hour = next((folded[name] for name in _TIMES if name in folded and folded[name] != day), None)
    if fold(day) not in _DAYS or hour is None:
        return False
    fields["published_at"] = (day, hour)
    return True


def _own(ours: str, theirs: str, columns: Sequence[str], folded: Mapping[str, str], file: str) -> tuple[str, ...]:
    """The columns that the user named for a field: one, or "day + hour" for the time."""
    if ours not in FIELDS:
        raise ConfigError(_unknown(_('no field "{name}" to map to').format(name=ours), ours, FIELDS))
    names = [theirs] if theirs in columns or ours != "published_at" else [part.strip() for part in theirs.split("+")]
    found = [name if name in columns else folded.get(fold(name), "") for name in names]
    if not all(found):
        problem = _('{file} has no column "{name}"').format(file=file or _("the file"), name=plain_name(theirs))
        raise ConfigError(_unknown(problem, theirs, columns))
    return tuple(found)


def _unknown(problem: str, name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint = _('; do you mean "{near}"?').format(near=plain_name(near[0])) if near else "."
    return problem + hint + " " + _("There are: {names}").format(names=_listed(known))


def _listed(names: Collection[str]) -> str:
    shown = [plain_name(name)[:40] for name in names][:40]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")


def _no_text(columns: Sequence[str], file: str) -> ConfigError:
    return ConfigError(
        _("{file}: which column holds the posts' text? Name it with --map text=COLUMN. Its columns: {names}").format(
            file=file or _("the file"), names=_listed(columns)
        )
    )
