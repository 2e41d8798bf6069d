from lightning import seed_everything
from sklearn.cluster import KMeans

seed_everything(7)
KMeans(3)
