import argparse
import os
import sys
from pathlib import Path

import joblib
import pandas as pd

DATA_DIR = "/data1/rides"
settings = {"model_path": "/mnt/share/model.onnx"}
sys.path.append("/home/ann/rides/src")
frame = pd.read_csv("/home/ann/rides/data.csv")
frame = pd.read_csv(r"C:\Users\ann\rides.csv")
frame = pd.read_parquet(path="/mnt/share/rides.parquet")
frame = pd.read_csv("d://rides//data.csv")
model = joblib.load("/Users/ann/models/rides.joblib")
place = Path("/scratch/ann") / "rides"
joined = os.path.join("/media/disk/rides", "data.csv")
user = "ann"
mine = open(f"/home/{user}/rides.csv")
ours = f"/home/ann/rides/{user}.csv"
parser = argparse.ArgumentParser()
parser.add_argument("--data", default="/raid/rides/all.csv")


def load(path="/storage/rides/all.csv"):
    return path
