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
        "spread": _("spreads fast, no fact-check yet"),
        "sample": _("a sample of what no rule flagged"),
        "teach": _("unflagged, and the model would learn most from it"),
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


def outcome_name(code: str) -> str:
    """The name of what two models said of a post."""
    names = {
        "both": _("both flag"),
        "served": _("only the one in service"),
        "candidate": _("only the candidate"),
        "neither": _("neither"),
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
        "taught": _("to teach the model"),
        "unflagged": _("not flagged"),
        "new": _("new"),
        "updated": _("updated"),
        "unchanged": _("unchanged"),
        "raised": _("flagged for a claim"),
        "let_go": _("flagged for a claim no more"),
        "expired": _("expired"),
        "erased": _("erased"),
        "raw_removed": _("raw parts removed"),
        "raw_trimmed": _("raw news parts cut to title, link and excerpt"),
        "posts_to_counts": _("posts turned into counts"),
        "signatures_removed": _("signature files removed"),
        "quarantine_removed": _("quarantine files removed"),
        "flags_expired": _("flags closed without review"),
        "texts_removed": _("texts of decided flags removed"),
        "new_flags": _("new flags"),
        "still_flagged": _("still flagged"),
        "gone_flags": _("flagged no more"),
        "kept_flags": _("flagged no more, kept because a person took it up"),
        "left_alone": _("left alone: raw items past their time"),
        "dataset_rows": _("rows removed from datasets"),
    }
    return names.get(code, code)


def label_meaning(code: str) -> str:
    """What a label means, in the words that stand beside it (DOMAIN 3.1)."""
    meanings = {
        "hate_group": _(
            "belittles people, or calls for hostility against them, because of faith, ethnicity, gender or disability; "
            "not criticism of policies, institutions, officials or parties"
        ),
        "incitement": _("calls on others to act against a group because of its faith, ethnicity, gender or disability"),
        "threat": _("calls for physical violence against people, groups or facilities, or threatens it"),
        "insult_person": _("abuse of or accusations against one person; not this office's business"),
        "abusive": _("coarse words; no offence"),
        "hoax_claim": _("the same as a claim that a fact-checker has judged"),
    }
    return meanings.get(code, "")


def status_name(code: str) -> str:
    """What a flag's status is called."""
    names = {
        "open": _("not reviewed"),
        "claimed": _("in somebody's hands"),
        "second_review": _("waits for a second reviewer"),
        "confirmed": _("fits the criteria"),
        "rejected": _("does not fit"),
        "unsure": _("unsure"),
        "escalated": _("reviewers disagree"),
        "expired": _("closed without review"),
        "erased": _("erased"),
    }
    return names.get(code, code)


def decision_name(code: str) -> str:
    """What a decision on one label is called."""
    names = {
        "fits": _("Fits the criteria"),
        "not": _("Does not fit"),
        "unsure": _("Unsure"),
        "second": _("Needs a second reviewer"),
    }
    return names.get(code, code)


def match_decision_name(code: str) -> str:
    """What a decision on a match with a claim is called."""
    names = {"fits": _("The match is right"), "not": _("The match is wrong")}
    return names.get(code) or decision_name(code)


def decided_name(code: str) -> str:
    """What a decision is about."""
    kind, colon, value = code.partition(":")
    if colon and kind == "topic":
        return _("Topic: {name}").format(name=value)
    if colon and kind == "claim":
        return _("Claim #{id}").format(id=value)
    return why_name(code) if code == "spread" else label_name(code)


def reason_name(code: str) -> str:
    """Why a label does not fit."""
    names = {
        "criticism": _("criticism/aspiration"),
        "satire": _("satire"),
        "report": _("quotation/news report"),
        "denial": _("denial/clarification"),
        "neutral_term": _("neutral term"),
        "regional_language": _("regional language"),
        "abuse_without_group": _("abuse without a group"),
        "out_of_area": _("not our area"),
        "duplicate": _("duplicate (reason)"),
        "private": _("private sphere (to be erased)"),
        "child": _("concerns a child (to be restricted)"),
        "other_claim": _("another claim/not this claim"),
    }
    return names.get(code, code)


def ground_name(code: str) -> str:
    """The ground of hatred that a reviewer saw."""
    return label_name(f"ground_{code}")


def follow_up_name(code: str) -> str:
    """What the office does next."""
    names = {
        "watch": _("keep watching"),
        "fact_check": _("ask for a fact-check"),
        "clarify": _("clarification by Diskominfo/Humas"),
        "dialogue": _("dialogue/mediation (FKUB, FPK, elders)"),
        "education": _("political education"),
        "election_bodies": _("coordinate with KPU/Bawaslu"),
        "event": _("note as an event"),
        "none": _("no action"),
    }
    return names.get(code, code)


def source_reason_name(code: str) -> str:
    """Why an original address is opened."""
    names = {
        "context": _("to see the context (reply, quotation)"),
        "copies": _("to see whether it still spreads"),
        "removed": _("to see whether it was taken down"),
        "referral": _("for a fact-check or referral"),
    }
    return names.get(code, code)


def kind_name(code: str) -> str:
    """What kind of post it is."""
    names = {
        "post": _("public post"),
        "comment": _("public comment"),
        "news": _("news article"),
        "field": _("field report"),
        "forwarded": _("forwarded message"),
    }
    return names.get(code, code)


def rating_name(code: str) -> str:
    """What a checker said of a claim, on the one scale (DOMAIN 3.1)."""
    names = {
        "false": _("False"),
        "partly_false": _("Partly false"),
        "misleading": _("Misleading"),
        "satire": _("Satire"),
        "true": _("True"),
        "clarification": _("Official clarification"),
        "unrated": _("verdict not known yet"),
    }
    return names.get(code, code)


def verdict_name(rating: str, checker_kind: str) -> str:
    """What a checker's verdict is called: the word of a government or an interested party is no fact-check."""
    return rating_name(rating if checker_kind == "independent" else "clarification")


def standing_name(code: str) -> str:
    """What all reviews of a claim say together."""
    names = {
        "debunked": _("False or misleading"),
        "disputed": _("the checkers disagree"),
        "clarified": _("Official clarification"),
        "satire": _("Satire"),
        "true": _("True"),
        "unrated": _("verdict not known yet"),
        "withdrawn": _("withdrawn"),
    }
    return names.get(code, code)


def checker_kind_name(code: str) -> str:
    """What kind of checker it is: only an independent one can debunk."""
    names = {
        "independent": _("independent"),
        "government": _("government"),
        "interested": _("interested party"),
    }
    return names.get(code, code)


def level_name(code: str) -> str:
    """How surely a post carries a claim."""
    names = {
        "match": _("matches"),
        "suggest": _("may match"),
        "denial": _("denies or checks the claim"),
    }
    return names.get(code, code)


def fact_check_name(code: str) -> str:
    """How a post stands to checked claims."""
    names = {"returned": _("old claim that goes round again"), "missing": _("no fact-check yet")}
    return names.get(code) or level_name(code)


def media_name(code: str) -> str:
    """In which form a claim went round."""
    names = {"text": _("text"), "image": _("image"), "video": _("video"), "audio": _("sound")}
    return names.get(code, code)


def freshness_name(code: str) -> str:
    """What a source's freshness is called."""
    names = {
        "fresh": _("heard of late"),
        "young": _("too young to judge"),
        "rare": _("comes too rarely to judge"),
        "never": _("NEVER SEEN"),
        "silent": _("SILENT"),
        "old": _("NOTHING NEW"),
        "low": _("MUCH LESS THAN USUAL"),
    }
    return names.get(code, code)


def drift_level_name(code: str) -> str:
    """How far a week lies from what it is compared with."""
    names = {
        "steady": _("steady"),
        "watch": _("to be watched"),
        "alarm": _("ALARM"),
        "too_few": _("too few posts"),
        "baseline": _("is compared with"),
        "gone": _("posts past their time"),
        "unknown": _("nothing to compare with"),
    }
    return names.get(code, code)


def drift_name(what: str, label: str = "") -> str:
    """What drifted: the scores of a label, the words, or what reviewers decide."""
    names = {
        "scores": _("the scores of {label}"),
        "unknown_words": _("the words that the model does not know"),
        "words": _("the frequent words"),
        "decisions": _("the decisions on {label}"),
    }
    return names.get(what, what).format(label=label_name(label))
