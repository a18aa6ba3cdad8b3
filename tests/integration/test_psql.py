"""TEMP"""
from __future__ import annotations
import time
from pathlib import Path
from tests.integration import scripts

def test_x(make_database, tmp_path: Path) -> None:
    for profile in ("target", "as_deployed"):
        for residue in ("rollback", "keep"):
            for run in (scripts.by_module, scripts.by_psql):
                t=time.time()
                d = make_database(profile)
                print(profile, residue, run.__name__, "clone", time.time()-t)
                suite = scripts.Suite(profile=profile, residue=residue)
                t=time.time()
                s=suite.scripts([scripts.PREFLIGHT], {})
                print("render", time.time()-t); t=time.time()
                f = run(d, s, tmp_path)
                print("preflight", time.time()-t); t=time.time()
                for name in scripts.PHASES[1:]:
                    t=time.time()
                    s=suite.scripts([name], f.facts)
                    r=time.time()-t; t=time.time()
                    a = run(d, s, tmp_path)
                    print(name, f"render {r:.2f} run {time.time()-t:.2f}", {c:(x['status'],x['observed']) for c,x in a.checks.items() if x['status']!='pass'}, a.errors)
