import collections
import own
