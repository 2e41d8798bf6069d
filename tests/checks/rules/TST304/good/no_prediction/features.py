def mean(rows):
    return sum(rows)


def plot_predictions(rows):
    return rows


def build_prediction_rows(rows):
    return rows
