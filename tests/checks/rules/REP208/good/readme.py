"""!pip install lightgbm"""
