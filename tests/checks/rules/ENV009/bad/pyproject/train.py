import pandas
import yaml
