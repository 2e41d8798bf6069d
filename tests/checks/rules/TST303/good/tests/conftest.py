def test_like():
    print(1)
