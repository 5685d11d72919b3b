"""Writes the backend node tests of the Python package onnx as files: a folder a case with model.onnx, in_N.pb, out_N.pb, and tolerances.

pip install onnx; python packages/onnx/scripts/node-cases.py FOLDER; then pnpm onnx:cases FOLDER
"""

import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases

folder = sys.argv[1]
cases = collect_testcases(None)
skipped = []
for case in cases:
    inputs, outputs = case.data_sets[0]
    graph = case.model.graph
    files = []
    for kind, values, infos in (("in", inputs, graph.input), ("out", outputs, graph.output)):
        for index, (value, info) in enumerate(zip(values, infos)):
            if isinstance(value, (np.ndarray, np.generic)):
                value = numpy_helper.from_array(np.asarray(value))
            if not isinstance(value, TensorProto):
                files = None
                break
            value.name = info.name
            files.append((f"{kind}_{index}.pb", value.SerializeToString()))
        if files is None:
            break
    if files is None:
        # A sequence, an optional or a map among inputs or outputs.
        skipped.append(case.name)
        continue
    target = os.path.join(folder, case.name)
    os.makedirs(target, exist_ok=True)
    files += [("model.onnx", case.model.SerializeToString()), ("tolerance.txt", f"{case.rtol} {case.atol}".encode())]
    for name, data in files:
        with open(os.path.join(target, name), "wb") as file:
            file.write(data)
with open(os.path.join(folder, "cases.txt"), "w") as file:
    file.write(f"{onnx.__version__} {len(cases)} {len(skipped)}\n")
print(f"onnx {onnx.__version__}: {len(cases)} cases, {len(cases) - len(skipped)} written, {len(skipped)} with values that are no tensors")
