"""Learning rates of 40 epochs as PyTorch's schedulers give them. Made with PyTorch 1.13.0:

    python3 test/golden/schedules/make.py
"""

import json
import math
import os
import warnings

import torch
from torch.optim import lr_scheduler as s

warnings.filterwarnings("ignore")
EPOCHS = 40
# A loss that falls, stalls, falls again, rises and is once not a number.
METRIC = [round(2 * 0.8 ** min(e, 8) + 0.001 * (e % 3) + (0.02 * (e - 20) if e > 20 else 0), 6) for e in range(EPOCHS)]
METRIC[12] = math.nan


def run(schedule, options, make, base=0.1, metric=None):
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=base, momentum=0.9)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for epoch in range(EPOCHS):
        rates.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if metric is None:
            scheduler.step() if epoch < EPOCHS - 1 else None
        else:
            scheduler.step(metric[epoch])
    case = {"schedule": schedule, "options": options, "lr": rates}
    if schedule == "oneCycle":
        case["momentum"] = momenta
    return case


cases = [
    run("step", {"every": 7, "gamma": 0.5}, lambda o: s.StepLR(o, 7, 0.5)),
    run("multiStep", {"milestones": [3, 3, 20]}, lambda o: s.MultiStepLR(o, [3, 3, 20])),
    run("exponential", {"gamma": 0.9}, lambda o: s.ExponentialLR(o, 0.9)),
    run("polynomial", {"steps": 15, "power": 3}, lambda o: s.PolynomialLR(o, 15, 3.0)),
    run("cosine", {"steps": 13, "minimum": 0.02}, lambda o: s.CosineAnnealingLR(o, 13, 0.02)),
    run(
        "cosineRestarts",
        {"first": 3, "multiplier": 3, "minimum": 0.001},
        lambda o: s.CosineAnnealingWarmRestarts(o, 3, 3, 0.001),
    ),
    run("oneCycle", {}, lambda o: s.OneCycleLR(o, 0.1, total_steps=EPOCHS)),
    run(
        "oneCycle",
        {"rise": 0.2, "shape": "linear", "threePhase": True, "divide": 4, "finalDivide": 100,
         "minimumMomentum": 0.7, "maximumMomentum": 0.9},
        lambda o: s.OneCycleLR(o, 0.1, total_steps=EPOCHS, pct_start=0.2, anneal_strategy="linear", three_phase=True,
                               div_factor=4, final_div_factor=100, base_momentum=0.7, max_momentum=0.9),
    ),
    run("reduceOnPlateau", {"patience": 2}, lambda o: s.ReduceLROnPlateau(o, patience=2), metric=METRIC),
    run(
        "reduceOnPlateau",
        {"patience": 0, "factor": 0.7, "cooldown": 2, "minimum": 0.02, "threshold": 0.01, "thresholdMode": "absolute"},
        lambda o: s.ReduceLROnPlateau(o, patience=0, factor=0.7, cooldown=2, min_lr=0.02, threshold=0.01,
                                      threshold_mode="abs"),
        metric=METRIC,
    ),
    run(
        "reduceOnPlateau",
        {"mode": "max", "patience": 1, "factor": 0.5},
        lambda o: s.ReduceLROnPlateau(o, mode="max", patience=1, factor=0.5),
        metric=METRIC,
    ),
    run(
        "warmup constant",
        {"steps": 6, "startFactor": 0.25},
        lambda o: s.LinearLR(o, 0.25, total_iters=6),
    ),
]
for case in cases:
    if case["schedule"] == "reduceOnPlateau":
        case["metric"] = [None if math.isnan(m) else m for m in METRIC]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rates.json")
with open(path, "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
