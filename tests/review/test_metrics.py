"""What Prometheus reads of the desk: only with the token, only counts, also while ledger or index are away."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from review.flags import make_flag, put_flags
from review.frame import BASE, PASSWORD, Browser, Clock, PeopleOf

from pipeline import steps
from pipeline.core.config import load_settings
from pipeline.core.errors import ConfigError, LedgerUnavailable, StoreUnavailable
from pipeline.core.types import Quarantined, RawItem, Signal
from pipeline.drift import look
from pipeline.landing.quarantine import write_quarantine
from pipeline.landing.raw import write_part
from pipeline.ledger import Ledger
from pipeline.review.app import build_app
from pipeline.review.metrics import TOKEN, metrics_token
from pipeline.store.sqlite import SQLiteStore
from pipeline.workplace import Workplace

SECRET = "kuda-liar-di-padang-rumput"
Client = Callable[[str], Browser]


@pytest.fixture
def review_settings(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "token").write_text(f"{SECRET}\n", encoding="ascii")
    return {
        "KENTONGAN__REVIEW__METRICS_TOKEN_FILE": str(tmp_path / "token"),
        "KENTONGAN__SOURCES__PORTAL": '{"kind": "feed", "url": "portal.rss"}',
        "KENTONGAN__SOURCES__LAIN": '{"kind": "feed", "url": "lain.rss"}',
    }


def read(browser: Browser) -> dict[str, float]:
    """The page's counts, each with its labels as it stands there."""
    answer = browser.get("/metrik", headers={"Authorization": f"Bearer {SECRET}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[sample.name + (f"[{labels}]" if labels else "")] = sample.value
    return found


# ---- the door


@pytest.mark.parametrize(
    "header", ["", "Bearer", f"Bearer {SECRET}x", f"Basic {SECRET}", SECRET, "Bearer é\u00ff", f"Bearer {SECRET[:-1]}"]
)
def test_without_the_token_nobody_gets_a_count(stranger: Browser, client: Client, header: str) -> None:
    for browser in (stranger, client("admin")):
        answer = browser.get("/metrik", headers={"Authorization": header.encode("latin-1")} if header else {})
        assert (answer.status_code, answer.text) == (401, "")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_without_a_token_in_the_settings_there_is_no_such_page(tmp_path: Path, clock: Clock) -> None:
    settings, _origins = load_settings(environ={"KENTONGAN__PATHS__HOME": str(tmp_path / "bare")})
    place = Workplace(settings, clock)
    browser = Browser(build_app(place), base_url=BASE)
    for header in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer x"}):
        assert browser.get("/metrik", headers=header).status_code == 404
    assert browser.get("/metrik").text.replace("/metrik", "") == browser.get("/tiada").text.replace("/tiada", "")
    place.close()


def test_the_token_comes_from_the_file_or_the_environment(place: Workplace, tmp_path: Path) -> None:
    review = place.settings.review
    assert metrics_token(review, {TOKEN: "another token, longer"}) == SECRET
    without = review.model_copy(update={"metrics_token_file": ""})
    assert metrics_token(without, {TOKEN: " another token, longer\n"}) == "another token, longer"
    assert metrics_token(without, {}) == ""
    with pytest.raises(ConfigError, match=f"{TOKEN}: the token needs 16"):
        metrics_token(without, {TOKEN: "short"})
    (tmp_path / "token").write_text("", encoding="ascii")
    with pytest.raises(ConfigError, match="is empty"):
        metrics_token(review, {})
    (tmp_path / "token").unlink()
    with pytest.raises(ConfigError, match=r"metrics_token_file .* cannot be read"):
        build_app(place)


def test_a_token_file_is_found_beside_the_settings_that_name_it(
    review_settings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "kantor.toml").write_text('[review]\nmetrics_token_file = "token"\n', encoding="utf-8")
    settings, _origins = load_settings(tmp_path / "kantor.toml", {})
    assert metrics_token(settings.review, {}) == SECRET


def test_the_page_is_known_only_under_the_desks_names(stranger: Browser) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Host": "evil.example"}
    assert stranger.get("/metrik", headers=headers).status_code == 400


# ---- what it counts


def test_drift_is_counted_once_it_was_measured(client: Client, place: Workplace, clock: Clock) -> None:
    browser = client("reviewer")
    assert "kentongan_drift_alarms" not in read(browser)
    place.home.make()
    look(place, 8)
    clock.move(hours=2)
    counts = read(browser)
    assert counts["kentongan_drift_alarms"] == 0
    assert counts["kentongan_drift_report_age_seconds"] == 7_200


def test_freshness_and_purges_are_counted_once_there_are_some(client: Client, place: Workplace, clock: Clock) -> None:
    browser = client("reviewer")
    assert {"kentongan_quiet_sources", "kentongan_purge_age_seconds"}.isdisjoint(read(browser))
    place.home.make()
    steps.check_freshness(place, now=clock.now)
    steps.purge(place, now=clock.now)
    clock.move(hours=3)
    counts = read(browser)
    assert counts["kentongan_quiet_sources"] == 2, "both were never seen"
    assert counts["kentongan_freshness_report_age_seconds"] == counts["kentongan_purge_age_seconds"] == 10_800


def test_flags_verdicts_and_waiting_are_counted(client: Client, place: Workplace, clock: Clock) -> None:
    browser = client("reviewer")
    assert read(browser)["kentongan_oldest_waiting_seconds"] == 0
    signal = Signal("threat", 0.9, 0.5, "rules-1")
    first, *_rest = put_flags(place, *(make_flag(number, f"kata {number}", signals=(signal,)) for number in range(3)))
    put_flags(place, make_flag(9, "contoh saja", why=("sample",)))
    browser.submit(f"/butir/{first}/telaah", quick="criticism")
    counts = read(browser)
    assert counts["kentongan_flags[status=open]"] == 2
    assert counts["kentongan_flags[status=rejected]"] == counts["kentongan_verdicts_total[status=rejected]"] == 1
    assert counts["kentongan_flags[status=confirmed]"] == 0
    assert counts["kentongan_oldest_waiting_seconds"] == timedelta(hours=21, minutes=29).total_seconds()
    assert counts["kentongan_ledger_entries_total"] > 0
    assert counts["kentongan_index_up"] == counts["kentongan_ledger_up"] == 1


def test_sign_ins_that_failed_and_requests_are_counted(stranger: Browser, people_of: PeopleOf) -> None:
    form = stranger.get("/masuk").text
    token = re.search(r'name="csrf" value="([^"]+)"', form)
    assert token
    for password in ("salah sekali ini", PASSWORD):
        sent = {"csrf": token[1], "name": "reviewer", "password": password}
        stranger.post("/masuk", data=sent, headers={"Origin": BASE})
    stranger.get("/butir/0123456789abcdef0123456789abcdef")
    stranger.get("/tiada/zebrabelang")
    counts = read(stranger)
    assert counts["kentongan_sign_in_failures_total"] == 1
    assert counts["kentongan_requests_total[method=POST,page=/masuk,status=4xx]"] == 1
    assert counts["kentongan_requests_total[method=POST,page=/masuk,status=3xx]"] == 1
    assert counts["kentongan_requests_total[method=GET,page=/butir/{key},status=4xx]"] == 1
    assert counts["kentongan_requests_total[method=GET,page=other,status=4xx]"] == 1
    assert counts["kentongan_request_seconds_count[page=/masuk]"] == 3
    assert counts["kentongan_request_seconds_bucket[le=+Inf,page=/masuk]"] == 3


def test_silence_of_sources_and_quarantine_are_counted(stranger: Browser, place: Workplace, clock: Clock) -> None:
    raw = RawItem("portal", "feed", clock(), "1", {"title": "x"})
    write_part(place.home.landing, "2026-11-23/07", [raw], {})
    for partition in ("2026-11-20/07", "2026-11-24/07"):
        bad = Quarantined("ingest", "portal", "2", "no text", clock())
        write_quarantine(place.home.quarantine, partition, "flag", [bad])
    counts = read(stranger)
    assert counts["kentongan_source_silence_seconds[source=portal]"] == 86_400 + 1_800
    assert "kentongan_source_silence_seconds[source=lain]" not in counts
    assert counts["kentongan_quarantined_last_day"] == 1


def test_a_status_that_the_index_was_not_told_is_counted(
    client: Client, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    [key] = put_flags(place, make_flag(1, signals=(Signal("threat", 0.9, 0.5, "rules-1"),)))
    browser = client("reviewer")

    def away(*_: object) -> None:
        raise StoreUnavailable("the index is away")

    with monkeypatch.context() as patched:
        patched.setattr(SQLiteStore, "mirror", away)
        browser.submit(f"/butir/{key}/telaah", quick="criticism")
        patched.setattr(SQLiteStore, "get", away)
        counts = read(browser)
    assert counts["kentongan_index_up"] == 0
    assert counts["kentongan_index_behind"] == 1


def test_it_answers_while_the_ledger_is_away(stranger: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_ledger: Ledger) -> None:
        raise LedgerUnavailable("the ledger is away") from sqlite3.OperationalError("locked")

    monkeypatch.setattr(Ledger, "read", away)
    counts = read(stranger)
    assert counts["kentongan_ledger_up"] == 0
    assert counts["kentongan_index_up"] == 1
    assert not [name for name in counts if name.startswith("kentongan_flags")]


def test_nothing_names_a_person_a_post_or_a_word(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    flag = make_flag(1, "zebrabelang di pasar", title="kudanilbiru", signals=(Signal("threat", 0.9, 0.5, "rules-1"),))
    [key] = put_flags(place, flag)
    browser = client("supervisor")
    for path in (f"/butir/{key}", "/cari?q=zebrabelang", "/tiada/zebrabelang", "/butir/gajahabu"):
        browser.get(path)
    browser.submit(f"/butir/{key}/telaah", quick="criticism", note="gajahabu")
    text = browser.get("/metrik", headers={"Authorization": f"Bearer {SECRET}"}).text
    for word in ("zebrabelang", "kudanilbiru", "gajahabu", key[:8], "x~0001", *people_of):
        assert word not in text, word
    for user in people_of.values():
        assert user.id not in text
