import cv2
import sklearn
from bs4 import BeautifulSoup
from dotenv import load_dotenv
from PIL import Image
from pydantic import BaseModel

import local
import some_private_thing
