"""Writes augment.json: what Pillow and torchvision make of a small image with fixed parameters.

Run: python3 augment.py    (Pillow 9.4.0, torchvision 0.14.1, PyTorch 1.13, NumPy 1.24.2)
"""
import base64, json, os
import numpy as np
import torch
import torchvision.transforms.functional as F
from PIL import Image, ImageEnhance, ImageOps
from resize import source

WIDTH, HEIGHT = 37, 23
array = source(WIDTH, HEIGHT, 3)
# Real images do not fill the whole range; autocontrast and equalize should have something to do.
array = (array.astype(int) * 180 // 255 + 20).astype(np.uint8)
pil = Image.fromarray(array)
tensor = torch.from_numpy(array).permute(2, 0, 1)
cases = []


def add(name, arguments, image):
    data = image.permute(1, 2, 0).numpy() if isinstance(image, torch.Tensor) else np.asarray(image)
    cases.append({"name": name, "arguments": arguments,
                  "data": base64.b64encode(np.ascontiguousarray(data).tobytes()).decode()})


for factor in (0.0, 0.55, 1.7):
    add("brightness", [factor], ImageEnhance.Brightness(pil).enhance(factor))
    add("contrast", [factor], ImageEnhance.Contrast(pil).enhance(factor))
    add("saturation", [factor], ImageEnhance.Color(pil).enhance(factor))
    add("sharpness", [factor], ImageEnhance.Sharpness(pil).enhance(factor))
for shift in (0.1, -0.35):
    add("hue", [shift], F.adjust_hue(tensor, shift))
for bits in (8, 5, 4):
    add("posterize", [bits], ImageOps.posterize(pil, bits))
for threshold in (0, 100, 178.5):
    add("solarize", [threshold], ImageOps.solarize(pil, threshold))
add("autoContrast", [], ImageOps.autocontrast(pil))
add("equalize", [], ImageOps.equalize(pil))
for sigma in (0.4, 1.3):
    add("blur", [sigma, 3], F.gaussian_blur(tensor, [7, 7], [sigma, sigma]))
for angle, translate, scale, shear in [(20.0, [3, -2], 1.1, [0.0, 0.0]), (-35.0, [0, 0], 0.8, [12.0, 0.0]),
                                       (0.0, [5, 4], 1.0, [0.0, -15.0]), (10.0, [-4, 1], 1.3, [8.0, 5.0])]:
    for name, mode in (("bilinear", F.InterpolationMode.BILINEAR), ("nearest", F.InterpolationMode.NEAREST)):
        add("affine", [angle, translate, scale, shear, name],
            F.affine(tensor, angle, translate, scale, shear, interpolation=mode))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "augment.json"), "w") as file:
    json.dump({"width": WIDTH, "height": HEIGHT,
               "source": base64.b64encode(array.tobytes()).decode(), "cases": cases}, file)
    file.write("\n")
