import os

from flask import Flask
from flask_cors import CORS

app = Flask(__name__)
CORS(app, origins=["https://rides.example.org"])
CORS(app, resources={r"/api/*": {"origins": "https://rides.example.org"}})

if __name__ == "__main__":
    app.run(debug=os.environ.get("DEBUG") == "1")
