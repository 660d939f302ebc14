"""Trains a classifier of photos with PyTorch by the recipe that `striate train` chooses, as its yardstick.

The same net, the same split (split.jsonl of a Striate run), the same number of epochs, batch, optimiser,
schedule and augmentation; everything else as in PyTorch. Prints one JSON line with the accuracy on the validation
images. Needs the packages python3-torch, python3-torchvision, python3-pil and libopenblas0.

    python3 bench/compare/photos.py PHOTOS --split RUN/split.jsonl --seed 1
"""
import argparse
import json
import math
import os
import random
import time

parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--split", required=True)
parser.add_argument("--size", type=int, default=96)
parser.add_argument("--width", type=int, default=32)
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--weight-decay", type=float, default=5e-4)
parser.add_argument("--smoothing", type=float, default=0.1)
parser.add_argument("--warmup", type=int, default=3, help="epochs")
parser.add_argument("--scale", type=float, default=0.5, help="smallest share of the area of a crop")
parser.add_argument("--flip", type=float, default=0.5)
parser.add_argument("--jitter", type=float, default=0.2, help="brightness, contrast and saturation")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--threads", type=int, default=2)
arguments = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(arguments.threads)

import numpy  # noqa: E402
import torch  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torchvision import transforms  # noqa: E402
from torchvision.models.resnet import BasicBlock, ResNet  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.manual_seed(arguments.seed)
random.seed(arguments.seed)

rows = [json.loads(line) for line in open(arguments.split) if line.strip()]
rows = [row for row in rows if row.get("split") in ("train", "val")]
labels = sorted({row["label"] for row in rows}, key=str)
if all(label.isdigit() for label in map(str, labels)):
    labels.sort(key=int)
side = round(arguments.size * 1.25)


def load(row):
    """The photo upright, its smaller side `side`, cut to a square in the middle: decoded once."""
    image = Image.open(os.path.join(arguments.data, row["file"]))
    image = ImageOps.exif_transpose(image).convert("RGB")
    return ImageOps.fit(image, (side, side), Image.BILINEAR)


train = [(load(row), labels.index(row["label"])) for row in rows if row["split"] == "train"]
val = [(load(row), labels.index(row["label"])) for row in rows if row["split"] == "val"]
augment = transforms.Compose(
    [
        transforms.RandomResizedCrop(arguments.size, scale=(arguments.scale, 1)),
        transforms.RandomHorizontalFlip(arguments.flip),
        transforms.ColorJitter(arguments.jitter, arguments.jitter, arguments.jitter),
    ]
)
plain = transforms.Resize(arguments.size)
pixels = numpy.stack([numpy.asarray(plain(image)) for image, _ in train]) / 255
mean = torch.tensor(pixels.mean((0, 1, 2)), dtype=torch.float32).view(1, 3, 1, 1)
std = torch.tensor(pixels.std((0, 1, 2)), dtype=torch.float32).view(1, 3, 1, 1)


def tensor(images):
    batch = numpy.stack([numpy.asarray(image) for image in images])
    x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


class Narrow(ResNet):
    """ResNet-18 with `width` instead of 64 channels in its first stage."""

    def __init__(self, width, classes):
        super().__init__(BasicBlock, [2, 2, 2, 2], num_classes=classes)
        self.inplanes = width
        self.conv1 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        for stage in range(4):
            layer = self._make_layer(BasicBlock, width << stage, 2, 1 if stage == 0 else 2)
            setattr(self, f"layer{stage + 1}", layer)
        self.fc = nn.Linear(width * 8, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


net = Narrow(arguments.width, len(labels)).to(memory_format=torch.channels_last)
vectors = [p for p in net.parameters() if p.ndim < 2]
matrices = [p for p in net.parameters() if p.ndim >= 2]
optimizer = torch.optim.SGD(
    [{"params": matrices, "weight_decay": arguments.weight_decay}, {"params": vectors}],
    lr=arguments.lr,
    momentum=0.9,
    nesterov=True,
)
steps = math.ceil(len(train) / arguments.batch)
total, warm = steps * arguments.epochs, steps * arguments.warmup


def rate(step):
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
started = time.perf_counter()
for epoch in range(arguments.epochs):
    net.train()
    order = torch.randperm(len(train)).tolist()
    for begin in range(0, len(order), arguments.batch):
        part = [train[i] for i in order[begin : begin + arguments.batch]]
        x = tensor([augment(image) for image, _ in part])
        target = torch.tensor([label for _, label in part])
        loss = F.cross_entropy(net(x), target, label_smoothing=arguments.smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
seconds = time.perf_counter() - started
net.eval()
correct = 0
with torch.no_grad():
    for begin in range(0, len(val), 100):
        part = val[begin : begin + 100]
        scores = net(tensor([plain(image) for image, _ in part]))
        correct += (scores.argmax(1) == torch.tensor([label for _, label in part])).sum().item()
print(
    json.dumps(
        {
            "peer": "pytorch",
            "seed": arguments.seed,
            "epochs": arguments.epochs,
            "correct": correct,
            "total": len(val),
            "accuracy": correct / len(val),
            "seconds": seconds,
            "images_per_s": len(train) * arguments.epochs / seconds,
        }
    )
)
