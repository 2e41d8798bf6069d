import sklearn.ensemble
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

RANDOM_STATE = 7

forest = sklearn.ensemble.RandomForestClassifier(n_estimators=200)
network = make_pipeline(StandardScaler(), MLPClassifier())
search = GridSearchCV(
    SGDClassifier(
        alpha=0.1,  # found by hand
    ),
    {"alpha": [0.1, 1]},
)
draw = RandomizedSearchCV(forest, {"max_depth": [2, 4]}, random_state=None)
groups = KMeans(n_clusters=3)
odds = SVC(probability=True)
liblinear = LogisticRegression(solver="liblinear")
