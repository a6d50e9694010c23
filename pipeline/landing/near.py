"""Near duplicates: MinHash signatures of 5-letter shingles, compared on disk and in order, so that memory stays flat.

Broder 1997, "On the resemblance and containment of documents"; banding as in Leskovec, Rajaraman and Ullman, "Mining of
Massive Datasets", section 3.4. 64 permutations in 16 bands of 4: two posts of similarity 0.7 share a band with
probability 1 - (1 - 0.7^4)^16 = 0.988, posts of 0.3 with 0.12; what shares a band is then verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core.files import written_aside
from pipeline.core.types import Post

PERMUTATIONS = 64
BANDS = 16
ROWS = PERMUTATIONS // BANDS
SHINGLE = 5
VERSION = 1
_MINHASH = pa.binary(PERMUTATIONS * 4)

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
_RANDOM = np.random.Generator(np.random.PCG64(20241127))
_A = _RANDOM.integers(1, 2**63, PERMUTATIONS, dtype=np.uint64) * np.uint64(2) + np.uint64(1)  # odd: multiply-shift
_B = _RANDOM.integers(0, 2**63, PERMUTATIONS, dtype=np.uint64)
_POWERS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 1], dtype=np.uint64)
_SHIFT = np.uint64(32)
_TOP_BITS = 20
_TOP_SHIFT = np.uint64(64 - _TOP_BITS)


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures of one partition's posts, in the row order of its derived posts.

    `identity` (n,) hashes id and text, `minhash` is (n, 64); `cluster` (n,) holds, for each post, the id of the
    earliest post that it is a copy of (its own where it is none).
    """

    identity: U64
    minhash: U32
    cluster: Sequence[str]


def minhash(texts: Sequence[str], min_letters: int) -> U32:
    """The signatures (n, 64) of normalised texts; a text under `min_letters` has itself alone as its copy."""
    hashes, starts = _shingles(texts, min_letters)
    signature = np.empty((len(texts), PERMUTATIONS), dtype=np.uint32)
    for column in range(PERMUTATIONS):
        permuted = ((hashes * _A[column] + _B[column]) >> _SHIFT).astype(np.uint32)
        signature[:, column] = np.minimum.reduceat(permuted, starts)
    return signature


def _shingles(texts: Sequence[str], min_letters: int) -> tuple[U64, NDArray[np.intp]]:
    """Hashes of all shingles, text after text, and where each text's begin; every text has at least one."""
    pieces, starts, at = [], [], 0
    for text in texts:
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
        if len(codes) < max(min_letters, SHINGLE):
            piece = np.array([hash64(text)], dtype=np.uint64)
        else:
            windows = np.lib.stride_tricks.sliding_window_view(codes, SHINGLE)
            piece = _mix((windows * _POWERS).sum(axis=1, dtype=np.uint64))
        pieces.append(piece)
        starts.append(at)
        at += len(piece)
    return np.concatenate(pieces) if pieces else np.empty(0, np.uint64), np.array(starts, dtype=np.intp)


def _mix(values: U64) -> U64:
    """The finaliser of SplitMix64: neighbouring shingles must not get neighbouring hashes."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def hash64(text: str) -> int:
    """A 64-bit hash that is the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def cluster(ids: Sequence[str], own: U32, earlier: Iterator[Signatures], threshold: float) -> list[str]:
    """The cluster of each post: the earliest post, here or in `earlier` (oldest first), that it is a copy of.

    Copies of copies belong to the same cluster. `earlier` is read one partition at a time.
    """
    bands = _bands(own)
    order = np.stack([np.argsort(band, kind="stable").astype(np.int32) for band in bands.T], axis=1)
    known = _tops_of(bands)
    outside: dict[int, str] = {}
    for signatures in earlier:
        for mine, theirs in _matches(own, bands, order, known, signatures.minhash, threshold):
            outside.setdefault(mine, str(signatures.cluster[theirs]))
    parent = _union_within(own, bands, threshold)
    names: dict[int, str] = {}
    for index, name in sorted(outside.items()):
        names.setdefault(parent[index], name)
    return [names.get(root, ids[root]) for root in parent]


def _bands(signature: U32) -> U64:
    """(n, 16): one key a band."""
    pairs = np.ascontiguousarray(signature).view(np.uint64)  # two minima in one: a band is two of these
    return np.asarray(pairs[:, 0::2] * _POWERS[0] + pairs[:, 1::2] * _POWERS[1])


def _tops_of(bands: U64) -> NDArray[np.bool_]:
    """(16, 2^20): which first 20 bits the keys of each band have, so that most of what matches nothing is passed over
    unsorted: comparing with a week of posts costs a third."""
    known = np.zeros((BANDS, 1 << _TOP_BITS), np.bool_)
    for band in range(BANDS):
        known[band, bands[:, band] >> _TOP_SHIFT] = True
    return known


def _similar(left: U32, right: U32, threshold: float) -> NDArray[np.bool_]:
    """Whether the estimated similarity (share of equal minima) of each pair of rows reaches the threshold."""
    agree: NDArray[np.bool_] = (left == right).mean(axis=1) >= threshold
    return agree


def _matches(
    own: U32, bands: U64, order: NDArray[np.int32], known: NDArray[np.bool_], theirs: U32, threshold: float
) -> Iterator[tuple[int, int]]:
    """Pairs (own row, their row) that are copies; for each own row the first of theirs in a band is tried.

    `order` sorts each of the own bands, `known` is what `_tops_of` says of them.
    """
    if not len(theirs) or not len(own):
        return
    their_bands = _bands(theirs)
    found: set[tuple[int, int]] = set()
    for band in range(BANDS):
        column = their_bands[:, band]
        rows = np.flatnonzero(known[band, column >> _TOP_SHIFT])
        if not len(rows):
            continue
        rows = rows[np.argsort(column[rows], kind="stable")]
        keys, wanted = column[rows], bands[order[:, band], band]
        at = np.searchsorted(keys, wanted)
        hit = np.flatnonzero((at < len(keys)) & (keys[np.minimum(at, len(keys) - 1)] == wanted))
        mine, other = order[hit, band], rows[at[hit]]
        sure = _similar(own[mine], theirs[other], threshold)
        found.update(zip(mine[sure].tolist(), other[sure].tolist(), strict=True))
    yield from sorted(found, key=lambda pair: (pair[1], pair[0]))


def _union_within(own: U32, bands: U64, threshold: float) -> list[int]:
    """The earliest row that each row is connected with."""
    parent = list(range(len(own)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for band in range(BANDS):
        order = np.argsort(bands[:, band], kind="stable")
        keys = bands[order, band]
        same = np.flatnonzero(keys[1:] == keys[:-1])
        if not len(same):
            continue
        # In a run of equal keys each row is tried with the run's first and with the one before it.
        run_start = np.maximum.accumulate(np.where(np.r_[True, keys[1:] != keys[:-1]], np.arange(len(keys)), 0))
        left = np.concatenate([order[same], order[run_start[same + 1]]])
        right = np.concatenate([order[same + 1], order[same + 1]])
        sure = _similar(own[left], own[right], threshold)
        for a, b in zip(left[sure].tolist(), right[sure].tolist(), strict=True):
            first, second = sorted((root(a), root(b)))
            parent[second] = first
    return [root(index) for index in range(len(own))]


def identity_of(post: Post) -> int:
    """What makes a post the same as one that came before: id and text; the text alone where it makes the id."""
    return hash64(post.id if post.id.startswith("sha:") else f"{post.id}\0{post.title}\0{post.text}")


def rewrite_signatures(path: Path, gone: set[int], cluster_name: str, heir: str) -> None:
    """Remove the signatures of these identities and rename a cluster (erasure only)."""
    known = read_signatures(path) if path.exists() else None
    if known is None:
        return
    kept = ~np.isin(known.identity, np.array(sorted(gone), dtype=np.uint64))
    names = [str(name) for name, keep in zip(known.cluster, kept, strict=True) if keep]
    if kept.all() and cluster_name not in names:
        return
    renamed = [heir if name == cluster_name else name for name in names]
    write_signatures(path, Signatures(known.identity[kept], known.minhash[kept], renamed))


def write_signatures(path: Path, signatures: Signatures) -> None:
    """Write the signatures of a partition."""
    rows = pa.FixedSizeBinaryArray.from_buffers(
        _MINHASH, len(signatures.minhash), [None, pa.py_buffer(np.ascontiguousarray(signatures.minhash))]
    )
    table = pa.table(
        {"identity": signatures.identity, "minhash": rows, "cluster": pa.array(signatures.cluster, pa.string())}
    )
    with written_aside(path) as aside:
        pq.write_table(table.replace_schema_metadata({"version": str(VERSION)}), aside, compression="none")


def read_identities(path: Path) -> U64:
    """The identities alone; none if the file is damaged."""
    try:
        return np.asarray(pq.read_table(path, columns=["identity"])["identity"].to_numpy(), np.uint64)
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return np.empty(0, np.uint64)


def read_signatures(path: Path) -> Signatures | None:
    """Read them; None if the file is damaged or of another version (that partition is then not compared with)."""
    try:
        table = pq.read_table(path).combine_chunks()
        if (table.schema.metadata or {}).get(b"version") != str(VERSION).encode():
            return None
        rows = table["minhash"].combine_chunks()
        flat = np.frombuffer(rows.buffers()[1], dtype=np.uint32) if len(rows) else np.empty(0, np.uint32)
        minima = flat.reshape(-1, PERMUTATIONS)[rows.offset : rows.offset + len(rows)]
        return Signatures(table["identity"].to_numpy(), minima, table["cluster"].combine_chunks())
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return None
