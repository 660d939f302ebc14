"""Names and shapes of torchvision's networks, as one digest each.

Run with torchvision 0.14: python3 stateDicts.py > stateDicts.json
"""

import hashlib
import json

import torch
import torchvision

NETS = [
    "alexnet",
    *(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")),
    "squeezenet1_0",
    "squeezenet1_1",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "convnext_tiny",
    "convnext_small",
    "convnext_base",
    "convnext_large",
]


def describe(net):
    parameters = {key for key, _ in net.named_parameters()}
    rows = [
        f"{key} {list(value.shape)} {'parameter' if key in parameters else 'buffer'}"
        for key, value in net.state_dict().items()
    ]
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "tensors": len(rows),
        "sha256": hashlib.sha256("\n".join(rows).encode()).hexdigest(),
    }


facts = {name: describe(getattr(torchvision.models, name)(weights=None)) for name in NETS}
googlenet = torchvision.models.googlenet(weights=None, aux_logits=True, init_weights=False)
facts["googlenet"] = describe(googlenet)
versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
print(json.dumps({"versions": versions, "nets": facts}, indent=1))
