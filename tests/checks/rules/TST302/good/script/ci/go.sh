tox -e py311
