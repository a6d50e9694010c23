"""Near duplicates against exhaustive comparison, and across partitions."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.landing.near import (
    Signatures,
    cluster,
    hash64,
    minhash,
    read_identities,
    read_signatures,
    write_signatures,
)

WORDS = "warga desa rapat pagi kotak suara jalan hujan pasar kantor lurah sekolah laut sawah ikan".split()


def _text(seed: int, words: int = 30) -> str:
    chooser = random.Random(seed)
    return " ".join(chooser.choice(WORDS) + str(chooser.randrange(50)) for _ in range(words))


def _copy(text: str, changed: int) -> str:
    words = text.split()
    return " ".join(["sebarkan"] * changed + words[changed:])


def _shingles(text: str) -> set[str]:
    return {text[at : at + 5] for at in range(len(text) - 4)}


def _cluster(texts: list[str], ids: list[str] | None = None, earlier: list[Signatures] | None = None) -> list[str]:
    names = ids or [str(number) for number in range(len(texts))]
    return cluster(names, minhash(texts, 40), iter(earlier or []), 0.7)


def _signatures(texts: list[str], names: list[str]) -> Signatures:
    identity = np.array([hash64(text) for text in texts], dtype=np.uint64)
    return Signatures(identity, minhash(texts, 40), _cluster(texts, names))


def test_copies_share_the_cluster_of_the_earliest() -> None:
    text = _text(1)
    assert _cluster([text, _text(2), _copy(text, 1), _copy(text, 2)]) == ["0", "1", "0", "0"]


def test_recall_and_precision_against_exhaustive_comparison() -> None:
    texts = []
    for seed in range(120):
        texts += [_text(seed), _copy(_text(seed), 1 + seed % 12)]
    found = _cluster(texts)
    sets = [_shingles(text) for text in texts]
    wanted = missed = wrong = 0
    for a in range(len(texts)):
        for b in range(a):
            similarity = len(sets[a] & sets[b]) / len(sets[a] | sets[b])
            same = found[a] == found[b]
            if similarity >= 0.8:
                wanted += 1
                missed += not same
            wrong += same and similarity < 0.5
    assert wanted > 40
    assert missed / wanted <= 0.02
    assert wrong == 0


def test_short_texts_are_copies_only_of_themselves() -> None:
    assert _cluster(["setuju", "setuju!", "setuju"]) == ["0", "1", "0"]


def test_a_copy_joins_the_cluster_of_an_earlier_day() -> None:
    text = _text(3)
    first = _signatures([_text(9), text], ["a", "b"])
    second = _signatures([_copy(text, 2)], ["c"])
    second = Signatures(second.identity, second.minhash, _cluster([_copy(text, 2)], ["c"], [first]))
    assert list(second.cluster) == ["b"]
    assert _cluster([_copy(text, 3), _text(5)], ["d", "e"], [first, second]) == ["b", "e"]


def test_recall_across_partitions_is_that_within_one() -> None:
    texts = [_text(seed) for seed in range(60)] + [_copy(_text(seed), 1 + seed % 8) for seed in range(60)]
    earlier = [_signatures(texts[at : at + 20], [str(n) for n in range(at, at + 20)]) for at in (0, 20, 40)]
    later = _cluster(texts[60:], [str(n) for n in range(60, 120)], earlier)
    assert later == _cluster(texts)[60:]
    assert len({*later} & {str(n) for n in range(60)}) >= 55


def test_identities_alone_are_those_of_the_signatures_and_damage_is_none(tmp_path: Path) -> None:
    path = tmp_path / "signatures.parquet"
    made = _signatures([_text(1), "pendek"], ["a", "b"])
    write_signatures(path, made)
    assert read_identities(path).tolist() == made.identity.tolist()
    path.write_bytes(path.read_bytes()[:50])
    assert read_identities(path).tolist() == []


def test_copies_of_copies_join_through_one_of_them() -> None:
    text = _text(4)
    chain = [text, _copy(text, 3), _copy(text, 6)]
    earlier = _signatures([chain[2]], ["z"])
    assert set(_cluster(chain, list("abc"), [earlier])) == {"z"}


@given(st.lists(st.text(max_size=80), min_size=1, max_size=8))
def test_any_texts_have_a_cluster_among_their_ids(texts: list[str]) -> None:
    found = _cluster(texts)
    assert all(int(name) <= row for row, name in enumerate(found))
    assert _cluster(texts) == found


def test_signatures_come_back_and_damage_is_none(tmp_path: Path) -> None:
    path = tmp_path / "signatures.parquet"
    made = _signatures([_text(1), "pendek"], ["a", "b"])
    write_signatures(path, made)
    back = read_signatures(path)
    assert back is not None
    assert back.identity.tolist() == made.identity.tolist()
    assert (back.minhash == made.minhash).all()
    assert [str(name) for name in back.cluster] == ["a", "b"]
    path.write_bytes(path.read_bytes()[:50])
    assert read_signatures(path) is None


def test_no_posts_have_no_signatures(tmp_path: Path) -> None:
    empty = Signatures(np.empty(0, np.uint64), np.empty((0, 64), np.uint32), [])
    write_signatures(tmp_path / "s", empty)
    back = read_signatures(tmp_path / "s")
    assert back is not None
    assert len(back.minhash) == 0
    assert _cluster([_text(1)], ["a"], [back]) == ["a"]


@pytest.mark.parametrize("value", ["", "a", "\ud800"])
def test_hash64_is_the_same_in_every_process(value: str) -> None:
    code = f"from pipeline.landing.near import hash64; print(hash64({value!a}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == hash64(value)
