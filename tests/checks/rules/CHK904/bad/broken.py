def fine():
    return 1


def train(:
    return 2
