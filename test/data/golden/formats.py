"""Writes formats.json: small files of every format with the pixels Pillow reads from them.

Run: python3 formats.py    (Pillow 9.4.0, NumPy 1.24.2)
"""
import base64, io, json, os
import numpy as np
from PIL import Image, ImageOps

WIDTH, HEIGHT = 21, 13
y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
array = np.stack([x * 12, y * 19, (x * 7 + y * 11) % 256], -1).astype(np.uint8)
array[3:9, 5:14] = [220, 40, 30]
alpha = np.where((x + y) % 5 == 0, 90, 255).astype(np.uint8)
alpha[10:, :4] = 0
rgb = Image.fromarray(array)
rgba = Image.fromarray(np.dstack([array, alpha]))
cases = []


def add(name, image, tolerance=0, **options):
    out = io.BytesIO()
    image.save(out, **options)
    data = out.getvalue()
    read = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if read.mode in ("P", "LA", "RGBA", "PA") or "transparency" in read.info:
        read = read.convert("RGBA")
        ground = Image.new("RGBA", read.size, (255, 255, 255, 255))
        ground.alpha_composite(read)
        read = ground
    pixels = np.asarray(read.convert("RGB"))
    cases.append({"name": name, "tolerance": tolerance, "width": read.width, "height": read.height,
                  "file": base64.b64encode(data).decode(), "pixels": base64.b64encode(pixels.tobytes()).decode()})


add("jpeg, 4:2:0", rgb, format="JPEG", quality=80)
add("jpeg, 4:4:4", rgb, format="JPEG", quality=95, subsampling=0)
add("jpeg, 4:2:2, progressive", rgb, format="JPEG", quality=85, subsampling=1, progressive=True)
add("jpeg, grey", rgb.convert("L"), format="JPEG", quality=85)
add("jpeg, CMYK", rgb.convert("CMYK"), 3, format="JPEG", quality=95, subsampling=0)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    add(f"jpeg, orientation {orientation}", rgb, format="JPEG", quality=90, exif=exif)
exif = Image.Exif()
exif[0x0112] = 6
add("png, orientation 6", rgb, format="PNG", exif=exif)
add("webp, orientation 6", rgb, format="WEBP", lossless=True, exif=exif)
add("png, rgb", rgb, format="PNG")
add("png, rgba", rgba, format="PNG")
add("png, grey", rgb.convert("L"), format="PNG")
add("png, grey and alpha", rgba.convert("LA"), format="PNG")
add("png, palette", rgb.quantize(16), format="PNG")
add("png, palette of 2 bits", rgb.quantize(4), format="PNG", bits=2)
add("png, 1 bit", rgb.convert("1"), format="PNG")
add("png, palette with transparency", rgb.quantize(8), format="PNG", transparency=3)
add("png, colour key", rgb, format="PNG", transparency=(220, 40, 30))
add("apng", rgb, format="PNG", save_all=True, append_images=[rgb.transpose(Image.FLIP_LEFT_RIGHT)])
add("webp, lossy", rgb, format="WEBP", quality=70)
add("webp, lossless", rgb, format="WEBP", lossless=True)
add("webp, lossy and alpha", rgba, format="WEBP", quality=70)
add("webp, animated", rgb, format="WEBP", save_all=True, lossless=True,
    append_images=[rgb.transpose(Image.FLIP_LEFT_RIGHT)])
add("gif", rgb.quantize(32), format="GIF", interlace=0)
add("gif, interlaced", rgb.quantize(200), format="GIF", interlace=1)
add("gif, transparent", rgb.quantize(16), format="GIF", transparency=2)
add("gif, animated", rgb.quantize(16), format="GIF", save_all=True,
    append_images=[rgb.transpose(Image.FLIP_TOP_BOTTOM).quantize(16)])
add("bmp, 24 bit", rgb, format="BMP")
add("bmp, 32 bit", rgba, format="BMP")
add("bmp, 8 bit", rgb.quantize(100), format="BMP")
add("bmp, 1 bit", rgb.convert("1"), format="BMP")
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "formats.json"), "w") as file:
    json.dump({"cases": cases}, file)
    file.write("\n")
