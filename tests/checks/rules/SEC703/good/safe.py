import ast
import subprocess
import sys
from pathlib import Path

import requests
import yaml

HERE = Path(__file__).parent
TOOL = "git"
settings = yaml.safe_load(open("settings.yaml"))
more = yaml.load(text, Loader=yaml.SafeLoader)
rest = yaml.load(text, yaml.CSafeLoader)
value = ast.literal_eval(sys.argv[1])
total = eval("1 + 1")
exec((HERE / "version.py").read_text())
subprocess.run(f"{TOOL} status", shell=True, check=True)
subprocess.run(["git", "clone", url], check=True)
requests.get("https://example.org", verify="authority.pem", timeout=3)
requests.get("https://localhost:8443/health", verify=False, timeout=3)
model.eval()
frame.eval("a + b")
source = eval(name) if name.isnumeric() else name
