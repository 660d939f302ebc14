"""Losses and their gradients in float64. PyTorch has all but two; those are the papers' formulas, in PyTorch too so
that it differentiates them. Made with PyTorch 1.13.0:

    python3 test/golden/losses/make.py
"""

import json
import os

import torch
from torch.nn import functional as F

torch.manual_seed(3)
LOGITS = torch.randn(4, 5, dtype=torch.float64).mul(2).float().double()
TARGET = torch.tensor([1, 0, 4, 2])
PIXELS = torch.randn(2, 3, 2, 2, dtype=torch.float64).float().double()
PIXEL_TARGET = torch.tensor([[[0, 1], [2, 1]], [[1, -100], [0, 2]]])
PROBABILITIES = torch.rand(4, 5, dtype=torch.float64).float().double()
WEIGHTS = [1.0, 0.5, 2.0, 0.0, 3.0]
W = torch.tensor(WEIGHTS, dtype=torch.float64)


def crammer_singer(x, t):
    own = x.gather(1, t[:, None])
    others = x.masked_fill(F.one_hot(t, 5).bool(), -torch.inf)
    return (1 + others.max(1).values - own[:, 0]).clamp(min=0).mean()


def rbf(x, t, j):
    own = x.gather(1, t[:, None])[:, 0]
    return (own + torch.log(torch.exp(torch.tensor(-j)) + torch.exp(-x).sum(1))).mean()


def row(loss, options, make, x=LOGITS, target=TARGET):
    x = x.clone().requires_grad_()
    value = make(x, target)
    value.sum().backward()
    return {
        "loss": loss,
        "options": options,
        "x": {"shape": list(x.shape), "data": x.detach().flatten().tolist()},
        "target": {
            "shape": list(target.shape),
            "integer": not target.is_floating_point(),
            "data": target.flatten().tolist(),
        },
        "value": value.detach().flatten().tolist(),
        "gradient": x.grad.flatten().tolist(),
    }


SQUARED = LOGITS.square()
cases = [
    row("crossEntropy", {}, lambda x, t: F.cross_entropy(x, t)),
    row("crossEntropy", {"reduction": "none"}, lambda x, t: F.cross_entropy(x, t, reduction="none")),
    row(
        "crossEntropy",
        {"labelSmoothing": 0.2, "classWeights": WEIGHTS, "ignoreIndex": 0},
        lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2, weight=W, ignore_index=0),
    ),
    row(
        "crossEntropy",
        {"labelSmoothing": 0.2, "reduction": "sum", "classWeights": WEIGHTS},
        lambda x, t: F.cross_entropy(x, t, label_smoothing=0.2, reduction="sum", weight=W),
    ),
    row(
        "crossEntropy",
        {"labelSmoothing": 0.3},
        lambda x, t: F.cross_entropy(x, t, label_smoothing=0.3),
        PIXELS,
        PIXEL_TARGET,
    ),
    row(
        "crossEntropy",
        {"labelSmoothing": 0.3, "classWeights": WEIGHTS},
        lambda x, t: F.cross_entropy(x, t, label_smoothing=0.3, weight=W),
        target=PROBABILITIES,
    ),
    row("nll", {"classWeights": WEIGHTS}, lambda x, t: F.nll_loss(x, t, weight=W)),
    row("mse", {}, lambda x, t: F.mse_loss(x, t), target=PROBABILITIES),
    row("l1", {"reduction": "sum"}, lambda x, t: F.l1_loss(x, t, reduction="sum"), target=PROBABILITIES),
    row("smoothL1", {"beta": 0.5}, lambda x, t: F.smooth_l1_loss(x, t, beta=0.5), target=PROBABILITIES),
    row("huber", {"delta": 0.5}, lambda x, t: F.huber_loss(x, t, delta=0.5), target=PROBABILITIES),
    row(
        "bceWithLogits", {}, lambda x, t: F.binary_cross_entropy_with_logits(x, t), target=PROBABILITIES
    ),
    row("klDiv", {"reduction": "batchMean"}, lambda x, t: F.kl_div(x, t, reduction="batchmean"), target=PROBABILITIES),
    row("klDiv", {"logTarget": True}, lambda x, t: F.kl_div(x, t, log_target=True), target=PROBABILITIES),
    row("multiclassHinge", {"form": "torch"}, lambda x, t: F.multi_margin_loss(x, t)),
    row(
        "multiclassHinge",
        {"form": "torch", "power": 2, "margin": 0.5},
        lambda x, t: F.multi_margin_loss(x, t, p=2, margin=0.5),
    ),
    row("multiclassHinge", {}, lambda x, t: F.multi_margin_loss(x, t) * 5),
    row("multiclassHinge", {"form": "crammerSinger"}, crammer_singer),
    row("rbfLoss", {"rubbishPenalty": 0.7}, lambda x, t: rbf(x, t, 0.7), SQUARED),
    row("rbfLoss", {"form": "penalty"}, lambda x, t: x.gather(1, t[:, None]).mean(), SQUARED),
]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "losses.json")
with open(path, "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
