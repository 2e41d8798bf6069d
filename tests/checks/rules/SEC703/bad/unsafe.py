import os
import ssl
import subprocess
import sys

import requests
import yaml

settings = yaml.load(open("settings.yaml"))
more = yaml.load(text, Loader=yaml.Loader)  # ours
rest = yaml.load_all(text, yaml.UnsafeLoader)
worst = yaml.unsafe_load(text)
model = eval(sys.argv[1])
exec(open(config).read())
subprocess.run(f"git clone {url}", shell=True, check=True)
subprocess.check_output("ls " + folder, shell=True)
os.system("rm -r %s" % folder)
requests.get("https://example.org", verify=False, timeout=3)
context = ssl._create_unverified_context()
