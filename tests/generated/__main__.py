"""Write them: python -m tests.generated."""

from __future__ import annotations

from tests.generated import ROOT
from tests.generated.all import FILES

for name, written in FILES.items():
    file = ROOT / name
    before = file.read_text(encoding="utf-8") if file.is_file() else ""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written(before), encoding="utf-8")
