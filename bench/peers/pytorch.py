"""Throughput of PyTorch on the nets of the benchmark, on data held in memory.

Prints one JSON line in the form of `striate bench --json`. Both memory layouts can be asked for, since which
one is faster differs from net to net. Needs the packages python3-torch, python3-torchvision and
libopenblas0 (without it Debian's PyTorch multiplies matrices with the reference BLAS).
"""
import argparse
import json
import os
import resource
import statistics
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--net", required=True)
parser.add_argument("--variant", default="")
parser.add_argument("--input", default="224x224x3", help="HxWxC")
parser.add_argument("--classes", type=int, default=10)
parser.add_argument("--mode", choices=["train", "infer"], default="train")
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--seconds", type=float, default=5)
parser.add_argument("--layout", choices=["contiguous", "channels_last"], default="contiguous")
parser.add_argument("--onnx", metavar="FILE", help="write the net to an ONNX file and measure nothing")
arguments = parser.parse_args()
# Before PyTorch is loaded: it reads these once.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = str(arguments.threads)

started = time.perf_counter()
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

torch.set_num_threads(arguments.threads)
torch.manual_seed(0)


class LeNet5(nn.Sequential):
    def __init__(self, channels, classes):
        super().__init__(
            nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes),
        )


class CifarBlock(nn.Module):
    """Two 3x3 convolutions; the shortcut subsamples and fills up with zeros (option A)."""

    def __init__(self, planes, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(planes, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.stride = stride
        self.extra = out - planes

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.extra:
            half = self.extra // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        return F.relu(y + x)


class CifarResNet(nn.Module):
    def __init__(self, depth, channels, classes):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
        )
        blocks, planes = [], 16
        for stage, out in enumerate((16, 32, 64)):
            for i in range((depth - 2) // 6):
                blocks.append(CifarBlock(planes, out, 2 if stage > 0 and i == 0 else 1))
                planes = out
        self.blocks = nn.Sequential(*blocks)
        self.linear = nn.Linear(64, classes)

    def forward(self, x):
        return self.linear(self.blocks(self.stem(x)).mean((2, 3)))


class MobileNetV1(nn.Module):
    def __init__(self, channels, classes):
        super().__init__()

        def stage(inputs, out, kernel, stride, groups=1):
            return [
                nn.Conv2d(inputs, out, kernel, stride, kernel // 2, groups=groups, bias=False),
                nn.BatchNorm2d(out),
                nn.ReLU(),
            ]

        layers = stage(channels, 32, 3, 2)
        planes = 32
        plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
        for out, stride in [*plan, *[(512, 1)] * 5, (1024, 2), (1024, 1)]:
            layers += stage(planes, planes, 3, stride, planes) + stage(planes, out, 1, 1)
            planes = out
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(1024, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class AlexNetDeck(nn.Sequential):
    """One tower, pooling before normalisation, 227x227 input."""

    def __init__(self, channels, classes):
        super().__init__(
            nn.Conv2d(channels, 96, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.LocalResponseNorm(5, 5e-4, 0.75, 2),
            nn.Conv2d(96, 256, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
            nn.LocalResponseNorm(5, 5e-4, 0.75, 2),
            nn.Conv2d(256, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 384, 3, 1, 1), nn.ReLU(),
            nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Flatten(),
            nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout(),
            nn.Linear(4096, classes),
        )


class PooledByProducts(nn.Module):
    """Adaptive average pooling to 7x7 as two products with fixed matrices: ONNX has it for no other sizes."""

    def __init__(self, height, width):
        super().__init__()
        self.register_buffer("rows", self.averages(height))
        self.register_buffer("columns", self.averages(width).T.contiguous())

    @staticmethod
    def averages(size):
        return torch.nn.functional.adaptive_avg_pool1d(torch.eye(size)[None], 7)[0].T.contiguous()

    def forward(self, x):
        return self.rows @ x @ self.columns


def create(name, channels, classes):
    if name == "lenet5":
        return LeNet5(channels, classes)
    if name == "resnet20":
        return CifarResNet(20, channels, classes)
    if name == "mobilenet_v1":
        return MobileNetV1(channels, classes)
    if name == "alexnet":
        return AlexNetDeck(channels, classes)
    import torchvision.models as zoo

    if name == "squeezenet":
        return zoo.squeezenet1_1(num_classes=classes)
    return getattr(zoo, name)(num_classes=classes)


height, width, channels = (int(part) for part in arguments.input.split("x"))
net = create(arguments.net, channels, arguments.classes)
layout = torch.channels_last if arguments.layout == "channels_last" else torch.contiguous_format
net = net.to(memory_format=layout)
x = torch.rand(arguments.batch, channels, height, width).to(memory_format=layout)
target = torch.randint(arguments.classes, (arguments.batch,))

if arguments.onnx:
    net.eval()
    if arguments.net.startswith("vgg"):
        pooled = PooledByProducts(height // 32, width // 32)
        features = net.features(x)
        assert torch.allclose(pooled(features), net.avgpool(features), atol=1e-5)
        net.avgpool = pooled
    torch.onnx.export(net, x, arguments.onnx, input_names=["input"], output_names=["output"], opset_version=13)
    print(json.dumps({}))
    sys.exit()

if arguments.mode == "train":
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)

    def step():
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), target).backward()
        optimizer.step()
else:
    net.eval()

    def step():
        with torch.no_grad():
            net(x)


step()
first_step_ms = (time.perf_counter() - started) * 1000
step()
times = []
deadline = time.perf_counter() + arguments.seconds
while time.perf_counter() < deadline or len(times) < 3:
    begin = time.perf_counter()
    step()
    times.append(time.perf_counter() - begin)
median = statistics.median(times)
# oneDNN takes the machine's best unless it is told not to.
with open("/proc/cpuinfo") as cpuinfo:
    widest = "AVX-512" if "avx512bw" in cpuinfo.read() else "AVX2"
onednn = os.environ.get("ONEDNN_MAX_CPU_ISA", widest)
capability = next(
    (line.split(":")[1].strip() for line in torch.__config__.show().split("\n") if "capability" in line), "?"
)
json.dump(
    {
        "peer": "pytorch",
        "model": arguments.net,
        "mode": arguments.mode,
        "batch": arguments.batch,
        "threads": arguments.threads,
        "images_per_s": arguments.batch / median,
        "step_ms_median": median * 1000,
        "first_step_ms": first_step_ms,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "backend": f"PyTorch {torch.__version__}, its own loops {capability}, oneDNN {onednn}",
        "note": "",
    },
    sys.stdout,
)
print()
