"""Resized planes, by PyTorch in float64 (antialiased ones in float64 too). Made with PyTorch 1.13.0:

    python3 test/golden/resize/make.py
"""

import json
import os

import torch
from torch.nn import functional as F

torch.manual_seed(5)
X = torch.randn(1, 2, 5, 7, dtype=torch.float64).float().double()
CASES = [
    ("nearest", [3, 4], False, False),
    ("nearest", [11, 14], False, False),
    ("bilinear", [8, 10], False, False),
    ("bilinear", [3, 4], False, False),
    ("bilinear", [8, 10], True, False),
    ("bilinear", [1, 4], True, False),
    ("bilinear", [3, 4], False, True),
    ("bilinear", [8, 10], False, True),
    ("bicubic", [8, 10], False, False),
    ("bicubic", [3, 4], False, False),
    ("bicubic", [8, 10], True, False),
    ("bicubic", [3, 4], False, True),
    ("bicubic", [8, 10], False, True),
    ("bicubic", [2, 20], False, True),
]

cases = []
for mode, size, corners, antialias in CASES:
    options = {} if mode == "nearest" else {"align_corners": corners, "antialias": antialias}
    y = F.interpolate(X, size=size, mode=mode, **options)
    cases.append(
        {
            "options": {"mode": mode, "size": size}
            | ({} if mode == "nearest" else {"alignCorners": corners, "antialias": antialias}),
            "output": y.flatten().tolist(),
        }
    )

path = os.path.join(os.path.dirname(__file__), "resize.json")
with open(path, "w", encoding="utf-8") as file:
    json.dump({"shape": list(X.shape), "input": X.flatten().tolist(), "cases": cases}, file)
