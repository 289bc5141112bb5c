"""One colour per id, in videos, images and pages: neighbouring ids differ clearly, also for the colour-blind."""

import functools

Colour = tuple[int, int, int]

# Red, green, blue. Found by search for the 24 colours that lie furthest apart in Oklab (B. Ottosson, 2020), neither
# dark nor pale nor grey, as seen with full sight and without red or green cones (Machado et al., 2009), in an order
# that keeps close ones apart. Steps of the golden ratio, the usual way, repeat a hue after 8 and 13 ids.
_PALETTE = (
    *(0x6485FF, 0xBCFF00, 0xFF0016, 0xFFBCFF, 0xA6009B, 0x2CB1BC, 0x7A00FF, 0xE9B16F),
    *(0xBC0B0B, 0x9BFFDE, 0x1685BC, 0xFF6F0B, 0x7AB1FF, 0xD3D321, 0x9B436F, 0x00FF9B),
    *(0xDE43DE, 0xA66F37, 0x6FD3A6, 0x644EBC, 0xDE5985, 0xFF7ADE, 0x90A659, 0x21906F),
)


def colour_of(id_: int) -> Colour:
    """The colour (blue, green, red), each 0..255, of an id; ids that are 24 apart share one."""
    rgb = _PALETTE[(id_ - 1) % len(_PALETTE)]
    return rgb & 255, rgb >> 8 & 255, rgb >> 16


def css_of(id_: int) -> str:
    """The same colour as pages write it: `#6485ff`."""
    return css(colour_of(id_))


def css(colour: Colour) -> str:
    """A colour (blue, green, red) as pages write it."""
    blue, green, red = colour
    return f"#{red:02x}{green:02x}{blue:02x}"


@functools.lru_cache(maxsize=256)
def ink_on(colour: Colour) -> Colour:
    """Black or white (blue, green, red), whichever has the higher contrast on `colour` (WCAG 2.1)."""
    return (0, 0, 0) if luminance(colour) > 0.179 else (255, 255, 255)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0..1, of a colour (blue, green, red) (WCAG 2.1)."""
    blue, green, red = (linear(value / 255) for value in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(value: float) -> float:
    """Light, 0..1, of an sRGB value in 0..1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
