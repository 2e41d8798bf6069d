setup(name="rides", license="BSD")
