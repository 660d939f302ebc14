"""What PyTorch computes from published weights on CIFAR-10 images: class and its probability, image by image.

    python3 test/golden/pretrained/make.py ../shared/data > test/golden/pretrained/cifar10.json

ResNet-20 and -32 (akamaster's .th files, option A shortcuts) and Caffe's cifar10_quick, whose weights are read from the
.caffemodel with the few lines of a protobuf reader below. Made with PyTorch 1.13.
"""
import gzip
import json
import struct
import sys

import numpy
import torch
import torch.nn.functional as F

root = sys.argv[1]
records = numpy.frombuffer(
    gzip.open(f"{root}/cifar-10/data_batch_1.bin.gz").read(), dtype=numpy.uint8
).reshape(-1, 3073)
labels = records[:, 0]
images = torch.tensor(records[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32))


def resnet(path, depth):
    state = torch.load(path, map_location="cpu")["state_dict"]
    state = {name.replace("module.", "", 1): tensor for name, tensor in state.items()}

    def norm(x, name):
        keys = ("running_mean", "running_var", "weight", "bias")
        mean, var, weight, bias = (state[f"{name}.{key}"] for key in keys)
        return F.batch_norm(x, mean, var, weight, bias, False, 0, 1e-5)

    def run(x):
        mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
        x = (x / 255 - mean) / std
        x = F.relu(norm(F.conv2d(x, state["conv1.weight"], padding=1), "bn1"))
        for stage in (1, 2, 3):
            for block in range(depth):
                name = f"layer{stage}.{block}"
                stride = 2 if stage > 1 and block == 0 else 1
                y = F.conv2d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1)
                y = F.relu(norm(y, f"{name}.bn1"))
                y = norm(F.conv2d(y, state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
                if stride == 2:
                    extra = (y.shape[1] - x.shape[1]) // 2
                    x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, extra, extra))
                x = F.relu(x + y)
        x = x.mean((2, 3))
        return F.linear(x, state["linear.weight"], state["linear.bias"])

    return run


def fields(data):
    """Numbers and contents of a protobuf message's fields."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, data[at : at + size]
        at += size


def quick(path, mean_path):
    weights = {}
    for number, layer in fields(open(path, "rb").read()):
        if number not in (2, 100) or not isinstance(layer, bytes):
            continue
        inner = list(fields(layer))
        old = number == 2
        name = next(v for n, v in inner if n == (4 if old else 1)).decode()
        blobs = [v for n, v in inner if n == (6 if old else 7)]
        arrays = []
        for blob in blobs:
            parts = [v for n, v in fields(blob) if n == 5]
            raw = b"".join(p if isinstance(p, bytes) else struct.pack("<f", p) for p in parts)
            arrays.append(torch.tensor(numpy.frombuffer(raw, dtype="<f4").copy()))
        if arrays:
            weights[name] = arrays
    mean = torch.tensor(numpy.fromfile(mean_path, dtype="<f4").reshape(1, 3, 32, 32))

    def conv(x, name, inputs):
        weight, bias = weights[name]
        return F.conv2d(x, weight.view(len(bias), inputs, 5, 5), bias, padding=2)

    def average(x):
        # Caffe's windows reach over the edge and divide by what lies inside.
        return F.avg_pool2d(x, 3, 2, ceil_mode=True)

    def run(x):
        x = F.relu(F.max_pool2d(conv(x - mean, "conv1", 3), 3, 2, ceil_mode=True))
        x = average(F.relu(conv(x, "conv2", 32)))
        x = average(F.relu(conv(x, "conv3", 32))).flatten(1)
        for name in ("ip1", "ip2"):
            weight, bias = weights[name]
            x = F.linear(x, weight.view(len(bias), -1), bias)
        return x

    return run


weights = f"{root}/weights"
nets = {
    "resnet20": resnet(f"{weights}/cifar10-resnet/resnet20-12fca82f.th", 3),
    "resnet32": resnet(f"{weights}/cifar10-resnet/resnet32-d509ac18.th", 5),
    "quick": quick(
        f"{weights}/cifar10-quick-caffe/cifar10_quick_iter_5000.caffemodel",
        f"{weights}/cifar10-quick-caffe/cifar10_train_mean_rgb_f32.bin",
    ),
}
result = {"torch": torch.__version__, "images": len(images)}
with torch.no_grad():
    for name, net in nets.items():
        scores = torch.cat([net(images[i : i + 500]) for i in range(0, len(images), 500)])
        probabilities = scores.double().softmax(1)
        best, predicted = probabilities.max(1)
        result[name] = {
            "correct": int((predicted.numpy() == labels).sum()),
            "predicted": "".join(map(str, predicted.tolist())),
            "probability": [round(p, 6) for p in best[:200].tolist()],
        }
print(json.dumps(result))
