from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

settings = {"n_estimators": 10, "random_state": 1}
RandomForestClassifier(n_estimators=10, random_state=1)
RandomForestClassifier(**settings)
BaggingClassifier(DecisionTreeClassifier(), n_estimators=10, random_state=1)
BaggingClassifier(estimator=DecisionTreeClassifier(), random_state=1)
LogisticRegression()
LogisticRegression(solver="lbfgs")
Ridge()
PCA(n_components=2)
TruncatedSVD(2, algorithm="arpack")
SVC()
XGBClassifier()
isinstance(settings, RandomForestClassifier)
