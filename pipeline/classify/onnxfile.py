"""Looks into an ONNX file before ONNX Runtime does: that it is one, and that it names no file and no foreign code.

The weights of a net come from elsewhere. A file may ask the runtime to read other files (external data) or to call
operators of a plug-in (a domain of its own); neither is needed here. Only the outline is read, by the wire format of
Protocol Buffers, so that serving needs no further package.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.i18n import _

_DOMAINS = frozenset({b"", b"ai.onnx"})
_MOST_FIELDS = 2_000_000
"""A BERT-base has about 30,000; a file that is made of more is made to keep us busy."""

# Numbers of fields in onnx.proto
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 8, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_ATTRIBUTE, _NODE_DOMAIN = 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = 5, 6, 10, 11, (22, 23)
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14

Value = int | memoryview


def check_onnx(content: bytes) -> None:
    """Raise ValueError, with the reason in plain words, unless this is an ONNX file that keeps to itself."""
    _Outline().model(memoryview(content))


class _Outline:
    """One reading of a file; counts the fields that it has met."""

    def __init__(self) -> None:
        self._met = 0

    def model(self, found: memoryview) -> None:
        graphs = opsets = 0
        for number, value in self._fields(found):
            if number in (_MODEL_TRAINING, _MODEL_FUNCTIONS):
                raise ValueError(_("it holds functions or training steps of its own"))
            if number == _MODEL_OPSET:
                opsets += 1
                self._check_domain(dict(self._fields(_part(value))).get(1, memoryview(b"")))
            elif number == _MODEL_GRAPH:
                graphs += 1
                self._graph(_part(value))
        if graphs != 1 or not opsets:
            raise _not_one()

    def _graph(self, found: memoryview) -> None:
        for number, value in self._fields(found):
            if number == _GRAPH_NODE:
                self._node(_part(value))
            elif number == _GRAPH_INITIALIZER:
                self._tensor(_part(value))
            elif number == _GRAPH_SPARSE:
                raise ValueError(_("it holds sparse weights"))

    def _node(self, found: memoryview) -> None:
        for number, value in self._fields(found):
            if number == _NODE_DOMAIN:
                self._check_domain(value)
            elif number == _NODE_ATTRIBUTE:
                for kind, part in self._fields(_part(value)):
                    if kind in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS, *_ATTRIBUTE_SPARSE):
                        raise ValueError(_("it holds branches, loops or sparse weights"))
                    if kind in (_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS):
                        self._tensor(_part(part))

    def _tensor(self, found: memoryview) -> None:
        for number, value in self._fields(found):
            if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value != 0):
                raise ValueError(_("its weights lie in another file"))

    def _check_domain(self, found: Value) -> None:
        if bytes(_part(found)) not in _DOMAINS:
            raise ValueError(_("it needs operators that ONNX does not have"))

    def _fields(self, found: memoryview) -> Iterator[tuple[int, Value]]:
        """(number, value) of each field of a message; raises ValueError if it is cut short or none."""
        at = 0
        while at < len(found):
            self._met += 1
            if self._met > _MOST_FIELDS:
                raise _not_one()
            tag, at = _varint(found, at)
            number, wire = tag >> 3, tag & 7
            if wire == 0:
                value, at = _varint(found, at)
                yield number, value
                continue
            if wire == 2:
                size, at = _varint(found, at)
            else:
                size = {1: 8, 5: 4}.get(wire, -1)
            if size < 0 or not number or at + size > len(found):
                raise _not_one()
            yield number, found[at : at + size]
            at += size


def _varint(found: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(found):
            raise _not_one()
        byte = found[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise _not_one()


def _part(value: Value) -> memoryview:
    if isinstance(value, int):
        raise _not_one()
    return value


def _not_one() -> ValueError:
    return ValueError(_("it is no ONNX file, or is cut short"))
