"""The workplace: every room opened once, with the settings that are its own, for the steps to use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.classify.policy import Policy
from pipeline.classify.registry import list_models
from pipeline.classify.service import ModelService
from pipeline.classify.shadow import ShadowService
from pipeline.core.clock import partition_of, utc_now
from pipeline.core.config import ClaimSourceSettings, Settings, SourceSettings
from pipeline.core.errors import ConfigError, ItemError, TransientError
from pipeline.core.home import Home
from pipeline.core.i18n import _
from pipeline.core.identity import Pseudonyms, load_institutions, open_pseudonyms, subject_of
from pipeline.core.ports import Classifier, Enricher, Source, Store
from pipeline.core.resources import data_path, models_path
from pipeline.core.types import NATIONAL
from pipeline.enrich.gazetteer import ISO_CODES, Gazetteer
from pipeline.enrich.regions import RegionEnricher
from pipeline.enrich.stages import Calendar, load_calendar
from pipeline.enrich.threats import ThreatRules, load_threats
from pipeline.enrich.topics import TopicBook, TopicEnricher, load_topics
from pipeline.landing.raw import partitions
from pipeline.ledger import Ledger, open_ledger
from pipeline.ledger.erasure import erased_keys
from pipeline.sources import inbox
from pipeline.sources.registry import build_source, guess_source
from pipeline.store.elastic.document import Spot, Writer
from pipeline.store.registry import open_store
from pipeline.text import TEXT_VERSION

if TYPE_CHECKING:
    from pipeline.enrich.claims import ClaimIndex, ClaimMatcher, Document, Encoder, Ranker, Thresholds
    from pipeline.sources.claims.registry import ClaimSource

_FIRST_YEAR = 2024  # no data of this program is older
_TOLERANCE = timedelta(hours=3)  # an office that moves to another zone of Indonesia moves by two
_NO_CLAIMS = "none"  # stands for the claims index in the fingerprint while there is none


class Workplace:
    """Opens rooms on first use; `clock` is the only way a step learns the time of fetching.

    `actor` is who runs the program, for the audit ("os:<account>", or "program").
    """

    def __init__(self, settings: Settings, clock: Callable[[], datetime] = utc_now, *, actor: str = "program") -> None:
        self.settings = settings
        self.clock = clock
        self.actor = actor
        self.home = Home(settings.paths.home)

    @cached_property
    def pseudonyms(self) -> Pseudonyms:
        """Author keys and item ids of this home."""
        institutions = load_institutions(self._file(self.settings.office.institutions, "institutions.csv"))
        return open_pseudonyms(self.home.root, self.settings.privacy.election_period, institutions)

    @cached_property
    def models(self) -> ModelService:
        """What says which model serves."""
        return ModelService(self.settings.models, self.home.root)

    @cached_property
    def shadow(self) -> ShadowService:
        """The candidate that scores beside the model in service, if there is one."""
        return ShadowService(self.settings.models, self.home.root)

    @property
    def model_folder(self) -> Path:
        """The folder of the model in service."""
        return self.models.folder

    @property
    def classifier(self) -> Classifier:
        """The model in service; the same until `renew_model`."""
        return self.models.classifier

    def renew_model(self) -> None:
        """Take up what was promoted or set beside since; asked before each partition, at the cost of two `stat`s."""
        if self.models.renew():
            self.__dict__.pop("fingerprint", None)
        self.shadow.renew()

    @cached_property
    def threats(self) -> ThreatRules:
        """The rules for `threat`."""
        return load_threats(self._given(self.settings.policy.threats))

    @cached_property
    def topics(self) -> TopicBook:
        """The operator's watch topics."""
        return load_topics(self._given(self.settings.policy.topics))

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """Names of provinces, kabupaten and kota."""
        return Gazetteer.load()

    @cached_property
    def calendar(self) -> Calendar:
        """The steps of the election."""
        return load_calendar(self._given(self.settings.office.calendar))

    @cached_property
    def enrichers(self) -> tuple[Enricher, ...]:
        """What adds regions and topics to a flag; raises ConfigError if the office is in no region we know."""
        code = self.settings.office.code
        if code != NATIONAL and code not in self.gazetteer.places:
            raise ConfigError(_("office.code {code} is no region; write 61 or 61.01, or 00 for all").format(code=code))
        return RegionEnricher(self.gazetteer), TopicEnricher(self.topics, self.settings.office.language)

    @cached_property
    def policy(self) -> Policy:
        """When a post becomes a flag."""
        policy = self.settings.policy
        return Policy(
            policy.thresholds,
            policy.sample_share,
            policy.sample_per_day,
            policy.drop_out_of_area,
            policy.teach_per_day,
            (policy.unsure_from, policy.unsure_to),
        )

    @property
    def claim_index_folder(self) -> Path:
        """Where the claims index lies."""
        return self.home.claims / "index"

    @property
    def thresholds_file(self) -> Path:
        """The thresholds that this office fitted; absent: those shipped with the ranker."""
        return self.home.claims / "thresholds.json"

    @cached_property
    def ranker(self) -> Ranker:
        """What says how alike a post and a claim are: the newest of this home, else the shipped one."""
        from pipeline.enrich.claims import load_ranker

        return load_ranker(self.ranker_folder)

    @property
    def ranker_folder(self) -> Path:
        """The newest ranker of this home, else the shipped one."""
        folders = [*(self.home.root / "models").glob("claims-*"), *models_path().glob("claims-*")]
        if not folders:
            raise ConfigError(_("there is no model that ranks claims; install the program again"))
        return max(folders, key=lambda folder: folder.name)

    @cached_property
    def claim_index(self) -> ClaimIndex:
        """The index of all that posts are compared with; raises ItemError if it is damaged."""
        from pipeline.enrich.claims import ClaimIndex

        return ClaimIndex.open(self.claim_index_folder, self.ranker.weights)

    def claim_index_of(self, documents: Iterable[Document]) -> ClaimIndex:
        """An index of a few claims, which nothing keeps."""
        from pipeline.enrich.claims import ClaimIndex

        return ClaimIndex.in_memory(documents, self.ranker.weights)

    @cached_property
    def matcher(self) -> ClaimMatcher | None:
        """What finds the claims that posts carry; None while no claim is known."""
        if not self.claim_index_folder.is_dir() or not len(self.claim_index):
            return None
        return self.matcher_on(self.claim_index)

    def matcher_on(self, index: ClaimIndex) -> ClaimMatcher:
        """A matcher with this office's thresholds on an index, which may hold a few claims only."""
        from pipeline.enrich.claims import ClaimMatcher

        days = self.settings.claims.old_days
        return ClaimMatcher(index, self.ranker, self.claim_thresholds, old_days=days, encoder=self.encoder)

    @cached_property
    def encoder(self) -> Encoder | None:
        """The operator's sentence model, if the settings name one."""
        from pipeline.enrich.claims import load_encoder

        folder = self.settings.claims.encoder
        return load_encoder(Path(folder)) if folder else None

    @property
    def claim_thresholds(self) -> Thresholds:
        """This office's own thresholds, else the ranker's; raises ConfigError if the file is damaged."""
        from pipeline.enrich.claims import Thresholds

        own = self.thresholds_file
        return Thresholds.read(own) if own.is_file() else self.ranker.thresholds

    def claims_changed(self) -> None:
        """Claims or thresholds are not as they were: the matcher and the fingerprint are made anew at the next use."""
        for name in ("matcher", "fingerprint"):
            self.__dict__.pop(name, None)

    def forget_claims(self) -> None:
        """The index on disk is another one, or was changed by another process: it is opened anew at the next use."""
        index = self.__dict__.pop("claim_index", None)
        if index is not None:
            index.close()
        self.claims_changed()

    @cached_property
    def store(self) -> Store:
        """The search index."""
        return open_store(self.settings.store, self.home.root, self.document_writer)

    @property
    def document_writer(self) -> Writer:
        """What makes a flag's document for a search cluster."""
        return Writer(self.settings.office.zone, self.desk_address, self._spot)

    def desk_address(self, flag_id: str) -> str:
        """Where a flag is decided."""
        desk = self.settings.review
        root = desk.public_address or f"http://{desk.host}:{desk.port}"
        return f"{root.rstrip('/')}/butir/{subject_of(flag_id)}"

    def _spot(self, code: str) -> Spot | None:
        """Where a region lies; None for a code that we do not know."""
        here, province = self.gazetteer.places.get(code), self.gazetteer.places.get(code[:2])
        if here is None or province is None:
            return None
        return Spot(here.lat, here.lon, province.name, ISO_CODES.get(province.code, ""))

    @cached_property
    def ledger(self) -> Ledger:
        """Decisions, the queue, accounts and the audit."""
        return open_ledger(self.settings.ledger, self.home.root)

    def never_again(self) -> Callable[[str], bool] | None:
        """Says of a post's id whether it was erased and must not be taken again; None if nothing was erased so far."""
        with self.ledger.read() as db:
            keys = erased_keys(db)
        return (lambda flag_id: subject_of(flag_id) in keys) if keys else None

    def checked_now(self) -> datetime:
        """The present moment; raises TransientError if the clock is wrong, for what lands gets its time from it."""
        now = self.clock()
        newest = max(partitions(self.home.landing), default="")
        if now.year < _FIRST_YEAR:
            raise TransientError(_("the clock says {now:%Y-%m-%d %H:%M} UTC; set it, then run again").format(now=now))
        if newest > partition_of(now + _TOLERANCE, self.settings.office.zone):
            raise TransientError(
                _(
                    "the clock says {now:%Y-%m-%d %H:%M} UTC, but data of {newest} is here: set the clock, then run "
                    "again; if the clock is right, that data came while it was wrong: move landing/*/{newest} away"
                ).format(now=now, newest=newest)
            )
        return now

    def watched(self) -> dict[str, str]:
        """Hashes of what says what the program looks for: whoever changes one leaves a trace in the audit."""
        sources = {name: source.model_dump(mode="json") for name, source in self.settings.sources.items()}
        checkers = {
            f"claims/{name}": each.model_dump(mode="json") for name, each in self.settings.claim_sources.items()
        }
        own = self.thresholds_file
        return {
            "topics": self.topics.hash,
            "sources": sha256(json.dumps(sources | checkers, sort_keys=True).encode()).hexdigest()[:12],
            "policy": sha256(f"{self.policy.hash}{self.threats.digest}".encode()).hexdigest()[:12],
        } | ({"claim_thresholds": _hash(own)} if own.is_file() else {})

    def close(self) -> None:
        """Let go of the indexes and the ledger, if they were opened."""
        self.forget_claims()
        for room in ("store", "ledger"):
            if room in self.__dict__:
                self.__dict__[room].close()

    @cached_property
    def fingerprint(self) -> str:
        """Changes with everything but a post's own text that can change what we say of it."""
        near, claims = self.settings.near_duplicates, self.settings.claims
        parts = (
            TEXT_VERSION,
            self.classifier.digest,
            self.threats.digest,
            self.policy.hash,
            self.topics.hash,
            _hash(data_path("regions")),
            _hash(self._file(self.settings.office.calendar, "calendar.toml")),
            self.matcher.digest if self.matcher else _NO_CLAIMS,
            repr((claims.spread_copies, claims.spread_accounts, claims.spread_hours)),
            self.settings.office.code,
            repr((near.threshold, near.days, near.min_letters)),
        )
        return sha256("\0".join(parts).encode()).hexdigest()[:16]

    def source(self, name: str, settings: SourceSettings) -> Source:
        """The source of these settings; raises ConfigError if it covers a region that there is not."""
        unknown = [code for code in settings.covers if code not in self.gazetteer.places]
        if unknown:
            raise ConfigError(
                _("source {name} covers {codes}: no such region code; write 61 or 61.01").format(
                    name=name, codes=", ".join(unknown)
                )
            )
        return build_source(
            name,
            settings,
            office=self.settings.office,
            intake=self.settings.intake,
            fetch=self.settings.fetch,
            pseudonyms=self.pseudonyms,
            state=self.home.state,
            clock=self.clock,
        )

    def claim_source(self, name: str, settings: ClaimSourceSettings) -> ClaimSource:
        """The claim source of these settings; raises ConfigError if its key is missing."""
        return self._claim_source(name, settings, landed=False)

    def claim_source_landed(self, name: str, landed_with: Mapping[str, Any]) -> ClaimSource:
        """What reads items that landed: by today's settings, or by those of then if the source is configured no more.

        Raises ItemError if these are none.
        """
        settings = self.settings.claim_sources.get(name)
        if settings is None or settings.kind != landed_with.get("kind"):
            try:
                settings = ClaimSourceSettings.model_validate({**landed_with, "url": "-", "path": "-"})
            except ValueError as error:
                raise ItemError(_("the settings that it landed with are damaged")) from error
        return self._claim_source(name, settings, landed=True)

    def _claim_source(self, name: str, settings: ClaimSourceSettings, *, landed: bool) -> ClaimSource:
        from pipeline.sources.claims.registry import build_claim_source

        return build_claim_source(
            name,
            settings,
            office=self.settings.office,
            fetch=self.settings.fetch,
            state=self.home.state,
            clock=self.clock,
            landed=landed,
        )

    def model_folders(self) -> list[Path]:
        """All models at hand: the office's own, then the shipped ones."""
        return list_models(self.home.root / "models") + list_models(models_path())

    def inbox_sources(self, again: list[inbox.Again] | None = None) -> dict[str, SourceSettings]:
        """A source for each file that waits in the inbox; `again` is given those that were read before."""
        found: dict[str, SourceSettings] = {}
        for path in inbox.pending(self.home.inbox, again):
            name, settings = guess_source(str(path), {})
            name = f"inbox-{name}"[:36]
            while name in found:
                name += "x"  # two files of one name and different ends
            found[name] = settings
        return found

    def _given(self, setting: str) -> Path | None:
        return Path(setting) if setting else None

    def _file(self, setting: str, shipped: str) -> Path:
        return Path(setting) if setting else data_path(shipped)


def _hash(path: Path) -> str:
    """Of a file's bytes, or of all files of a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return sha256(b"".join(sha256(file.read_bytes()).digest() for file in files if file.is_file())).hexdigest()[:12]
