"""What a step's result can depend on in code: see `fingerprint`.

fingerprints.py     the answer, remembered as long as it holds
closure.py          names, modules, everything behind them; objects.py: the same for loaded objects
project_modules.py  what a name stands for; modules.py: where modules live, and which are the project's
source.py           the source that runs; outline.py: its statements by name; bytecode.py: without source
names.py, facts.py  one statement: its digest and its names, by Python's scopes (scopes.py)
values.py           constants by content (arrays.py); files.py: data files, named by paths (paths.py)
packages.py         modules of others: distribution and version
unseen.py           code that chooses code at run time (blind.py)
"""

from __future__ import annotations

from pavedroad.pipelines.code.fingerprints import CodeFingerprint, fingerprint, forget

__all__ = ["CodeFingerprint", "fingerprint", "forget"]
