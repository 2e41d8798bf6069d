"""What a step's result can depend on in code: see `fingerprint`.

fingerprints.py   the answer, remembered as long as it holds
closure.py        names → modules → everything behind them      objects.py   the same for loaded objects
source.py         the source that runs                         outline.py   a module's statements by name
names.py          one statement: digest and names              scopes.py    Python's scopes
values.py         constants by content                         files.py     data files named by paths
modules.py        which modules are the project's              packages.py  the others: distribution and version
blind.py          code that chooses code at run time           bytecode.py  functions without source
"""

from __future__ import annotations

from pavedroad.pipelines.code.fingerprints import CodeFingerprint, fingerprint, forget

__all__ = ["CodeFingerprint", "fingerprint", "forget"]
