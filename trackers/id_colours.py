"""One colour per id: the same id always the same, neighbouring ids far apart, also for the colour-blind."""

import functools
import math

Colour = tuple[int, int, int]

# Steps of the golden ratio spread any number of hues evenly over the circle. Of the steps in lightness from 0.05 to
# 1, 0.47 keeps ids that are up to 12 apart most different in Oklab, seen with full and with dichromatic sight.
_HUE_STEP = (math.sqrt(5) - 1) / 2
_LIGHTNESS_STEP = 0.47


@functools.lru_cache(maxsize=4096)
def colour_of(id_: int) -> Colour:
    """The colour (blue, green, red), each 0..255, of an id.

    Colours lie in Oklch (B. Ottosson, "A perceptual color space for image processing", 2020). Lightness varies with
    the id as well as hue, because red and green of one lightness are the same colour to one man in twelve.
    """
    hue = 2 * math.pi * (id_ * _HUE_STEP % 1)
    lightness = 0.52 + 0.36 * (id_ * _LIGHTNESS_STEP % 1)
    chroma = 0.2
    while not (rgb := _linear_rgb(lightness, chroma * math.cos(hue), chroma * math.sin(hue)))[1]:
        chroma -= 0.01
    red, green, blue = (round(255 * _gamma(value)) for value in rgb[0])
    return blue, green, red


@functools.lru_cache(maxsize=4096)
def ink_on(colour: Colour) -> Colour:
    """Black or white (blue, green, red), whichever has the higher contrast on `colour` (WCAG 2.1)."""
    return (0, 0, 0) if luminance(colour) > 0.179 else (255, 255, 255)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0..1, of a colour (blue, green, red) (WCAG 2.1)."""
    blue, green, red = (_linear(value / 255) for value in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear_rgb(lightness: float, a: float, b: float) -> tuple[tuple[float, float, float], bool]:
    """Linear sRGB of an Oklab colour, and whether a screen can show it."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    rgb = (red, green, blue)
    return rgb, all(0 <= value <= 1 for value in rgb)


def _gamma(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
