import hydra
from ray.tune.search.hyperopt import HyperOptSearch
