import pandas as pd
from sklearn.svm import SVC
