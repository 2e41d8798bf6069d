def mean(rows):
    return sum(rows)


def plot_predictions(rows):
    return rows
