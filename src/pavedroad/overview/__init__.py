"""The first screen: the road, what needs a person, and a search over everything."""
