"""The look into an ONNX file before the runtime reads it."""

from __future__ import annotations

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from tinynet import net

from pipeline.classify.onnxfile import check_onnx

GOOD = net().SerializeToString()


def test_a_plain_net_passes() -> None:
    check_onnx(GOOD)


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"{}", b"\x80\x04K\x01.", GOOD[:-9], GOOD + b"\xff", b"\x00" * 64])
def test_what_is_no_onnx_file_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ValueError, match="no ONNX file"):
        check_onnx(content)


def test_weights_in_another_file_are_refused() -> None:
    model = net()
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], "../../etc/passwd")
    with pytest.raises(ValueError, match="another file"):
        check_onnx(model.SerializeToString())


def test_weights_of_a_constant_in_another_file_are_refused() -> None:
    model = net()
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    tensor.data_location = TensorProto.EXTERNAL
    model.graph.node.append(helper.make_node("Constant", [], ["w"], value=tensor))
    with pytest.raises(ValueError, match="another file"):
        check_onnx(model.SerializeToString())


def test_operators_of_a_plug_in_are_refused() -> None:
    with pytest.raises(ValueError, match="operators"):
        check_onnx(net(domain="com.example").SerializeToString())


def test_branches_functions_and_sparse_weights_are_refused() -> None:
    model = net()
    branch = helper.make_graph([], "then", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=branch, else_branch=branch))
    with pytest.raises(ValueError, match="branches"):
        check_onnx(model.SerializeToString())
    model = net()
    model.functions.append(helper.make_function("", "F", ["a"], ["b"], [], [helper.make_opsetid("", 17)]))
    with pytest.raises(ValueError, match="functions"):
        check_onnx(model.SerializeToString())
    model = net()
    model.graph.sparse_initializer.append(onnx.SparseTensorProto())
    with pytest.raises(ValueError, match="sparse"):
        check_onnx(model.SerializeToString())


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused_and_never_breaks_it(at: int, value: int) -> None:
    changed = bytearray(GOOD)
    changed[at] = value
    try:
        check_onnx(bytes(changed))
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either way is right
