from flask import Flask

Flask(__name__).run(debug=True)
