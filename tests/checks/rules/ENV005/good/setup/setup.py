from setuptools import setup

setup(name="rides", python_requires=">=3.11")
