import random

colour = random.choice(["red", "green"])
