"""A readable name for what nobody named: `dusty-viaduct-412`."""

from __future__ import annotations

import random

ADJECTIVES = (
    "amber", "bold", "brisk", "broad", "calm", "clear", "coastal", "cobbled", "dusty", "early",
    "even", "fair", "firm", "gentle", "golden", "grand", "green", "hidden", "high", "inland",
    "keen", "level", "lively", "long", "lucky", "mellow", "misty", "narrow", "nimble", "northern",
    "open", "paved", "plain", "quick", "quiet", "rapid", "rustic", "shady", "silver", "smooth",
    "southern", "steady", "steep", "straight", "sunny", "swift", "tidy", "upland", "wide",
    "winding",
)  # fmt: skip
NOUNS = (
    "alley", "arch", "avenue", "bend", "boulevard", "bridge", "bypass", "camber", "causeway",
    "crest", "crossing", "curb", "detour", "drive", "esplanade", "ferry", "ford", "fork", "gate",
    "gravel", "harbour", "highway", "hill", "incline", "junction", "kerb", "lane", "loop", "meadow",
    "milestone", "overpass", "parade", "pass", "path", "pavement", "plaza", "ramp", "ridge", "road",
    "route", "signpost", "slope", "square", "street", "terrace", "track", "trail", "tunnel",
    "turnpike", "viaduct",
)  # fmt: skip


def random_name() -> str:
    # Not the global generator: seeded programs would get the same name again and again.
    choose = random.SystemRandom()
    return f"{choose.choice(ADJECTIVES)}-{choose.choice(NOUNS)}-{choose.randrange(1000)}"
