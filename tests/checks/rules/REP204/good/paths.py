"""Reads /home/ann/data when Ann runs it."""

import os
import re
from pathlib import Path

import pandas as pd
from fastapi import FastAPI
from fastapi.testclient import TestClient

app = FastAPI()
HERE = Path(__file__).parent
base = os.environ["DATA"]


@app.get("/data/rides/latest")
def latest():
    """Serves /mnt/rides."""
    return pd.read_csv(HERE / "data" / "rides.csv")


frame = pd.read_csv(f"{base}/data/rides.csv")
frame = pd.read_csv(base + "/data/rides.csv")
frame = pd.read_csv(os.path.join(base, "/data/rides.csv"))
frame = pd.read_csv("data/rides.csv")
frame = pd.read_csv("https://example.org/data/rides.csv")
frame = pd.read_csv("s3://bucket/data/rides.csv")
open("/dev/null")
open("/tmp/scratch/rides.csv", "w")
open("/etc/hosts")
open("/opt/ml/input/data/train.csv")
open("/app/models/rides.onnx")
TestClient(app).post("/data/rides/predict")
client = TestClient(app)
client.get("/models/rides/latest")
if frame.attrs["source"].startswith("/home/ann"):
    pass
name = frame.attrs["source"].replace("/Users/ann/", "")
same = frame.attrs["source"] == "/home/ann/data"
pattern = re.compile(r"/home/[a-z]+/data")
note = "look at /home/ann/data for the raw files"
path = "/path/to/your/data.csv"
exclude_paths = ["/health/live", "/data/public"]
menu = {"route": "/data/rides", "label": "Rides"}
nav = {"path": "/reports/daily", "base_path": "/reports/weekly"}
root_path = "/service/rides"
notebook = open("/home/jovyan/rides.csv")
unit = "km/h"
drive = "C: drive"
ratio = "a/b/c"

FARM = Path("/checkpoint/farm").is_dir()
KAGGLE = pd.read_csv("/kaggle/input/rides/rides.csv")
CHART = dict(csv=f"/runs/{FARM}/points?as=csv")
