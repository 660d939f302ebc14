"""Writes resize.json: what Pillow makes of a small image, for every filter and several sizes.

Run: python3 resize.py    (Pillow 9.4.0, NumPy 1.24.2)
"""
import base64, json, os
import numpy as np
import PIL
from PIL import Image


def source(width, height, channels):
    """The same numbers as `goldenImage` in the test: a 32-bit linear congruential generator."""
    state = 12345
    out = np.zeros(width * height * channels, np.uint8)
    for i in range(out.size):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        # Every second 64 values smooth, the others noise: both kinds of content matter.
        out[i] = state >> 24 if (i >> 6) & 1 else (i * 3) & 255
    return out.reshape(height, width, channels)


filters = {"nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR,
           "hamming": Image.HAMMING, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
sizes = [(9, 8), (16, 11), (37, 10), (12, 23), (50, 31), (1, 1)]
cases = []
for channels in (3, 1):
    image = source(37, 23, channels)
    pil = Image.fromarray(image if channels == 3 else image[:, :, 0])
    for name, code in filters.items():
        for width, height in sizes if channels == 3 else sizes[:2]:
            result = np.asarray(pil.resize((width, height), code))
            cases.append({"filter": name, "channels": channels, "width": width, "height": height,
                          "data": base64.b64encode(result.tobytes()).decode()})
    box = (3.25, 2.5, 30.75, 20.0)
    result = np.asarray(pil.resize((13, 7), Image.BICUBIC, box=box))
    cases.append({"filter": "bicubic", "channels": channels, "width": 13, "height": 7, "box": box,
                  "data": base64.b64encode(result.tobytes()).decode()})
grey = np.asarray(Image.fromarray(source(37, 23, 3)).convert("L"))
with open(os.path.join(os.path.dirname(__file__), "resize.json"), "w") as file:
    json.dump({"pillow": PIL.__version__, "cases": cases,
               "grey": base64.b64encode(grey.tobytes()).decode()}, file)
    file.write("\n")
