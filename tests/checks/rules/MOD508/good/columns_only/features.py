from sklearn.preprocessing import StandardScaler

scaler = StandardScaler().fit([[1.0]])
