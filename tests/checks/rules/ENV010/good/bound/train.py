import pandas

pandas.DataFrame({"a": [1]}).plot()
