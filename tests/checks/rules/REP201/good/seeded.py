from sklearn import model_selection
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, train_test_split
from sklearn.utils import shuffle as mix

SEED = 7
options = {"random_state": SEED}
train_test_split([1, 2], test_size=0.5, random_state=SEED)
train_test_split([1, 2], shuffle=False)
train_test_split([1, 2], **options)
model_selection.train_test_split([1, 2], random_state=0)
KFold(5)
KFold(5, shuffle=False)
KFold(5, shuffle=True, random_state=0)
StratifiedKFold(n_splits=3)
GroupKFold(n_splits=2)
mix([1, 2], random_state=3)
