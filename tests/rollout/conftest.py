"""Makes this folder's helper modules importable by name, and those of the rooms below."""

from __future__ import annotations

import sys
from pathlib import Path

here = Path(__file__).parent
sys.path[:0] = [str(here), str(here.parent / "outcomes")]
