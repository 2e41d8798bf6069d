import json

import own

print(json.dumps(own.TOTAL))
