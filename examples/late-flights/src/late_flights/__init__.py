"""At departure from New York, will this flight land more than 15 minutes late?"""
