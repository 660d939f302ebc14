"""Trajectories of optimisers on a small quadratic bowl, in float64.

Where PyTorch has the optimiser, `torch.optim` computes them; the paper's and Keras's forms, which it
does not have, are the textbook equations in NumPy. Made with PyTorch 1.13.0 and NumPy 1.24.2:

    python3 test/golden/optim/make.py

NAdam is taken with `foreach=True`: the other implementation of 1.13 multiplies mu into the product of the next
step twice, which later versions correct.
"""

import json
import os

import numpy as np
import torch

STEPS = 12
A = np.array([[3.0, 0.5, 0.0], [0.5, 1.0, -0.25], [0.0, -0.25, 0.5]])
B = np.array([1.0, -2.0, 0.5])
START = np.array([2.0, 1.5, -1.0])
# The rate drops in the middle: forms that keep it inside the velocity differ from those that do not.
DROP = [1.0] * 6 + [0.1] * 6


def gradient(x):
    return A @ x - B


def with_torch(make, base):
    x = torch.tensor(START, requires_grad=True)
    optimizer = make([x])
    rows = [START.tolist()]
    for factor in DROP:
        optimizer.param_groups[0]["lr"] = base * factor
        x.grad = torch.tensor(gradient(x.detach().numpy()))
        optimizer.step()
        rows.append(x.detach().tolist())
    return rows


def with_numpy(step, base):
    x, state = START.copy(), {"t": 0}
    rows = [x.tolist()]
    for factor in DROP:
        state["t"] += 1
        x = step(x, base * factor, state)
        rows.append(x.tolist())
    return rows


def slot(state, name, initial=0.0):
    return state.setdefault(name, np.full(3, initial))


def paper_momentum(decay=0.0):
    def step(x, lr, s):
        s["v"] = 0.9 * slot(s, "v") + lr * (gradient(x) + decay * x)
        return x - s["v"]

    return step


def alexnet(x, lr, s):
    s["v"] = 0.9 * slot(s, "v") - 0.0005 * lr * x - lr * gradient(x)
    return x + s["v"]


def paper_nesterov(decay=0.0):
    def step(x, lr, s):
        point = x - 0.9 * slot(s, "v")
        s["v"] = 0.9 * s["v"] + lr * (gradient(point) + decay * point)
        return x - s["v"]

    return step


def classical_nesterov(x, lr, s):
    g = gradient(x)
    s["v"] = 0.9 * slot(s, "v") + lr * g
    return x - (0.9 * s["v"] + lr * g)


def adagrad_inside(eps, initial):
    def step(x, lr, s):
        g = gradient(x)
        s["G"] = slot(s, "G", initial) + g * g
        return x - lr * g / np.sqrt(s["G"] + eps)

    return step


def adadelta(eps, use_rate):
    def step(x, lr, s):
        g = gradient(x)
        s["E"] = 0.95 * slot(s, "E") + 0.05 * g * g
        d = np.sqrt(slot(s, "D") + eps) / np.sqrt(s["E"] + eps) * g
        s["D"] = 0.95 * s["D"] + 0.05 * d * d
        return x - (lr if use_rate else 1.0) * d

    return step


def rmsprop_inside(eps, momentum, centered):
    def step(x, lr, s):
        g = gradient(x)
        s["v"] = 0.9 * slot(s, "v") + 0.1 * g * g
        spread = s["v"]
        if centered:
            s["m"] = 0.9 * slot(s, "m") + 0.1 * g
            spread = spread - s["m"] ** 2
        s["b"] = momentum * slot(s, "b") + lr * g / np.sqrt(spread + eps)
        return x - s["b"]

    return step


def keras_adam(amsgrad):
    def step(x, lr, s):
        g, t = gradient(x), s["t"]
        s["m"] = 0.9 * slot(s, "m") + 0.1 * g
        s["v"] = 0.999 * slot(s, "v") + 0.001 * g * g
        v = s["v"]
        if amsgrad:
            s["max"] = v = np.maximum(slot(s, "max"), v)
        rate = lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return x - rate * s["m"] / (np.sqrt(v) + 1e-7)

    return step


def keras_adamax(x, lr, s):
    g = gradient(x)
    s["m"] = 0.9 * slot(s, "m") + 0.1 * g
    s["u"] = np.maximum(0.999 * slot(s, "u"), np.abs(g))
    return x - lr * s["m"] / ((1 - 0.9 ** s["t"]) * (s["u"] + 1e-7))


def sgdw(x, lr, s):
    return x - lr * 0.1 * x - lr * gradient(x)


optim = torch.optim
TORCH = [
    ("sgd", {"lr": 0.1}, lambda p: optim.SGD(p, lr=0.1)),
    ("sgd", {"lr": 0.1, "weightDecay": 0.1}, lambda p: optim.SGD(p, lr=0.1, weight_decay=0.1)),
    ("momentum", {"lr": 0.05}, lambda p: optim.SGD(p, lr=0.05, momentum=0.9)),
    (
        "momentum",
        {"lr": 0.05, "dampening": 0.5, "weightDecay": 0.1},
        lambda p: optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.1),
    ),
    ("nesterov", {"lr": 0.05}, lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True)),
    ("adagrad", {"lr": 0.5}, lambda p: optim.Adagrad(p, lr=0.5)),
    (
        "adagrad",
        {"lr": 0.5, "lrDecay": 0.1, "initialAccumulator": 0.2, "weightDecay": 0.1},
        lambda p: optim.Adagrad(
            p, lr=0.5, lr_decay=0.1, initial_accumulator_value=0.2, weight_decay=0.1
        ),
    ),
    ("adadelta", {}, lambda p: optim.Adadelta(p)),
    (
        "adadelta",
        {"lr": 0.5, "rho": 0.95, "eps": 1e-4, "weightDecay": 0.1},
        lambda p: optim.Adadelta(p, lr=0.5, rho=0.95, eps=1e-4, weight_decay=0.1),
    ),
    ("rmsprop", {"lr": 0.05}, lambda p: optim.RMSprop(p, lr=0.05)),
    (
        "rmsprop",
        {"lr": 0.05, "rho": 0.9, "momentum": 0.8, "centered": True, "eps": 1e-3, "weightDecay": 0.1},
        lambda p: optim.RMSprop(
            p, lr=0.05, alpha=0.9, momentum=0.8, centered=True, eps=1e-3, weight_decay=0.1
        ),
    ),
    ("adam", {"lr": 0.1}, lambda p: optim.Adam(p, lr=0.1)),
    (
        "adam",
        {"lr": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3, "amsgrad": True, "weightDecay": 0.1},
        lambda p: optim.Adam(
            p, lr=0.1, betas=(0.8, 0.9), eps=1e-3, amsgrad=True, weight_decay=0.1
        ),
    ),
    ("adamw", {"lr": 0.1}, lambda p: optim.AdamW(p, lr=0.1)),
    ("adamw", {"lr": 0.1, "weightDecay": 0.5}, lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.5)),
    ("adamax", {"lr": 0.1}, lambda p: optim.Adamax(p, lr=0.1)),
    ("nadam", {"lr": 0.1}, lambda p: optim.NAdam(p, lr=0.1, foreach=True)),
    (
        "nadam",
        {"lr": 0.1, "beta1": 0.8, "momentumDecay": 1.0, "weightDecay": 0.1},
        lambda p: optim.NAdam(
            p, lr=0.1, betas=(0.8, 0.999), momentum_decay=1.0, weight_decay=0.1, foreach=True
        ),
    ),
]
NUMPY = [
    ("sgd", {"lr": 0.1, "weightDecay": 0.1, "decoupledWeightDecay": True}, sgdw),
    ("momentum", {"lr": 0.05, "form": "paper"}, paper_momentum()),
    ("momentum", {"lr": 0.05, "form": "keras", "weightDecay": 0.1}, paper_momentum(0.1)),
    ("momentum", {"lr": 0.05, "form": "paper", "weightDecay": 0.0005}, alexnet),
    ("nesterov", {"lr": 0.05, "form": "paper"}, paper_nesterov()),
    ("nesterov", {"lr": 0.05, "form": "paper", "weightDecay": 0.1}, paper_nesterov(0.1)),
    ("nesterov", {"lr": 0.05, "form": "classical"}, classical_nesterov),
    ("nesterov", {"lr": 0.05, "form": "keras"}, classical_nesterov),
    ("adagrad", {"lr": 0.5, "form": "paper"}, adagrad_inside(1e-8, 0.0)),
    ("adagrad", {"lr": 0.5, "form": "keras"}, adagrad_inside(1e-7, 0.1)),
    ("adadelta", {"form": "paper"}, adadelta(1e-6, False)),
    ("adadelta", {"lr": 0.5, "form": "keras"}, adadelta(1e-7, True)),
    ("rmsprop", {"lr": 0.05, "form": "paper"}, rmsprop_inside(1e-8, 0.0, False)),
    (
        "rmsprop",
        {"lr": 0.05, "form": "keras", "momentum": 0.8, "centered": True, "eps": 1e-3},
        rmsprop_inside(1e-3, 0.8, True),
    ),
    ("adam", {"lr": 0.1, "form": "keras"}, keras_adam(False)),
    ("adam", {"lr": 0.1, "form": "keras", "amsgrad": True}, keras_adam(True)),
    ("adamax", {"lr": 0.1, "form": "keras"}, keras_adamax),
]

cases = [
    {"optimizer": name, "options": options, "from": "torch", "trajectory": with_torch(make, options.get("lr", 1.0))}
    for name, options, make in TORCH
] + [
    {"optimizer": name, "options": options, "from": "numpy", "trajectory": with_numpy(step, options.get("lr", 1.0))}
    for name, options, step in NUMPY
]
problem = {"A": A.tolist(), "b": B.tolist(), "lrFactors": DROP, "torch": torch.__version__, "numpy": np.__version__}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trajectories.json")
with open(path, "w") as file:
    rows = ",\n".join(json.dumps(case) for case in cases)
    file.write('{"problem": ' + json.dumps(problem) + ',\n"cases": [\n' + rows + "\n]}\n")
