"""ResNet-20 on CIFAR-10 images by the recipe of the paper, with PyTorch: the yardstick of bench/compare/cifar.ts.

He et al. 2016, section 4.2: batch 128, SGD with momentum 0.9 and weight decay 1e-4, rate 0.1 divided by 10 at half and
at three quarters of the epochs; 4 pixels of padding, a random crop of 32x32 and a horizontal flip. Shortcuts
without parameters (A); convolutions and classifier from He's initialisation over the fan in, as in ours. Trains on the
first `--train` records of a folder of CIFAR binary batches and validates on the others after every epoch. Prints one
JSON line.
"""
import argparse
import glob
import gzip
import json
import os
import time

parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("--train", type=int, default=8000)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--threads", type=int, default=2)
arguments = parser.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(arguments.threads)

import numpy  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.manual_seed(arguments.seed)


class Block(nn.Module):
    def __init__(self, planes, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(planes, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.stride, self.half = stride, (out - planes) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.half:
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.half, self.half))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks, planes = [], 16
        for stage, out in enumerate((16, 32, 64)):
            for i in range(3):
                blocks.append(Block(planes, out, 2 if stage > 0 and i == 0 else 1))
                planes = out
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(64, 10)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x):
        return self.linear(self.blocks(F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


records = []
for path in sorted(glob.glob(os.path.join(arguments.data, "*.bin*"))):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as file:
        records.append(numpy.frombuffer(file.read(), numpy.uint8).reshape(-1, 3073))
records = numpy.concatenate(records)
labels = torch.from_numpy(records[:, 0].astype(numpy.int64))
images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()).float() / 255
count = arguments.train
mean = images[:count].mean((0, 2, 3), keepdim=True)
std = images[:count].std((0, 2, 3), keepdim=True)
padded = (F.pad(images[:count], (4, 4, 4, 4)) - mean) / std  # black round the image, as torchvision's RandomCrop
images = (images - mean) / std

net = ResNet20().to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
milestones = [arguments.epochs // 2, arguments.epochs * 3 // 4]
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones, 0.1)
curve = []
started = time.perf_counter()
for epoch in range(arguments.epochs):
    net.train()
    order = torch.randperm(count)
    losses = []
    for begin in range(0, count, 128):
        part = order[begin : begin + 128]
        shifts = torch.randint(0, 9, (len(part), 2)).tolist()
        flips = (torch.rand(len(part)) < 0.5).tolist()
        crops = []
        for i, (top, left), flip in zip(part.tolist(), shifts, flips):
            crop = padded[i, :, top : top + 32, left : left + 32]
            crops.append(crop.flip(2) if flip else crop)
        x = torch.stack(crops).contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(net(x), labels[part])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.append(loss.item() * len(part))
    scheduler.step()
    net.eval()
    correct = 0
    with torch.no_grad():
        for begin in range(count, len(images), 250):
            x = images[begin : begin + 250].contiguous(memory_format=torch.channels_last)
            correct += (net(x).argmax(1) == labels[begin : begin + 250]).sum().item()
    curve.append({"loss": sum(losses) / count, "accuracy": correct / (len(images) - count)})
print(
    json.dumps(
        {
            "peer": "pytorch",
            "seed": arguments.seed,
            "epochs": arguments.epochs,
            "train": count,
            "val": len(images) - count,
            "curve": curve,
            "seconds": time.perf_counter() - started,
        }
    )
)
