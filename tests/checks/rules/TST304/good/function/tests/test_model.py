from model import predict_churn


def test_churn():
    assert predict_churn([1]) == [0.3]
