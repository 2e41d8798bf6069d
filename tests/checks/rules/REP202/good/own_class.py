class KMeans:
    def fit(self, rows):
        return rows


KMeans().fit([1])
