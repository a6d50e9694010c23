"""What codes are called in front of people (DOMAIN 3.1): an indication, never a verdict, and no per cent."""

from __future__ import annotations

from pipeline.core.i18n import _


def label_name(code: str) -> str:
    """The name of a label."""
    names = {
        "hate_group": _("Indication of hatred against a group"),
        "incitement": _("Indication of incitement against a group"),
        "threat": _("Indication of a call to violence or a threat"),
        "insult_person": _("Attack on a person"),
        "abusive": _("Coarse language"),
        "ground_religion": _("Religion or belief"),
        "ground_race": _("Ethnicity or race"),
        "ground_gender": _("Gender or sexual orientation"),
        "ground_physical": _("Body or disability"),
        "hoax_claim": _("Resembles a checked claim"),
        "hoax_style": _("Style of a chain message"),
        "hate_speech": _("Hate speech in the dataset's wide sense"),
    }
    return names.get(code, code)


def band_name(code: str) -> str:
    """The name of a band."""
    return {"low": _("low"), "medium": _("medium"), "high": _("high")}.get(code, code)


def why_name(code: str) -> str:
    """Why a post is worth a person's time."""
    names = {
        "signal": _("a signal over its threshold"),
        "topic": _("a watch topic in a news article or field report"),
        "claim": _("a claim that was already checked"),
        "sample": _("a sample of what no rule flagged"),
    }
    return names.get(code, code)


def why_not_name(code: str) -> str:
    """Which rule kept a post from being flagged."""
    if code.startswith("never_flags:"):
        label = label_name(code.removeprefix("never_flags:"))
        return _('"{label}" never flags by itself').format(label=label)
    names = {
        "out_of_area": _("it names only regions of other offices"),
        "press_reports": _("a verified press company reports; it is not flagged for what it reports"),
        "topic_alone": _("a topic alone flags only news and field reports"),
        "below_thresholds": _("no signal reached its threshold"),
    }
    return names.get(code, code)


def count_name(code: str) -> str:
    """The name of a count in a step's report."""
    names = {
        "landed": _("landed"),
        "again": _("landed before"),
        "quarantined": _("quarantined"),
        "duplicate": _("duplicate"),
        "out_of_area": _("out of area"),
        "flagged": _("flagged"),
        "sampled": _("sampled"),
        "unflagged": _("not flagged"),
        "new": _("new"),
        "updated": _("updated"),
        "unchanged": _("unchanged"),
        "expired": _("expired"),
        "erased": _("erased"),
        "raw_removed": _("raw parts removed"),
        "raw_trimmed": _("raw news parts cut to title, link and excerpt"),
        "posts_to_counts": _("posts turned into counts"),
        "signatures_removed": _("signature files removed"),
        "quarantine_removed": _("quarantine files removed"),
        "flags_expired": _("flags closed without review"),
    }
    return names.get(code, code)
