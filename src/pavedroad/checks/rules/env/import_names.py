"""Which distribution an import comes from, as data: only names that differ, the rest are called alike.

As the documentation of each distribution says. A module that several
distributions bring (`cv2`) lists them all, the one to suggest first.
"""

from __future__ import annotations

DISTRIBUTIONS: dict[str, tuple[str, ...]] = {
    "absl": ("absl-py",),
    "airflow": ("apache-airflow", "apache-airflow-core"),
    "albumentations": ("albumentations", "albumentationsx"),
    "apache_beam": ("apache-beam",),
    "attr": ("attrs",),
    "attrs": ("attrs",),
    "bs4": ("beautifulsoup4", "bs4"),
    "category_encoders": ("category-encoders",),
    "Crypto": ("pycryptodome", "pycrypto"),
    "Cython": ("cython",),
    "cv2": ("opencv-python", "opencv-python-headless", "opencv-contrib-python",
      "opencv-contrib-python-headless",
            "opencv", "py-opencv"),
    "dateutil": ("python-dateutil",),
    "decouple": ("python-decouple",),
    "docx": ("python-docx",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu", "faiss-gpu-cu12", "faiss"),
    "fitz": ("pymupdf",),
    "flask_cors": ("flask-cors",),
    "flask_sqlalchemy": ("flask-sqlalchemy",),
    "flash_attn": ("flash-attn",),
    "git": ("gitpython",),
    "github": ("pygithub",),
    "graphviz": ("graphviz", "python-graphviz"),
    "grpc": ("grpcio",),
    "grpc_status": ("grpcio-status",),
    "h2o": ("h2o",),
    "haystack": ("haystack-ai", "farm-haystack"),
    "hydra": ("hydra-core",),
    "igraph": ("igraph", "python-igraph"),
    "imblearn": ("imbalanced-learn", "imblearn"),
    "jose": ("python-jose",),
    "jwt": ("pyjwt",),
    "kafka": ("kafka-python", "kafka-python-ng"),
    "kubernetes": ("kubernetes", "python-kubernetes"),
    "Levenshtein": ("levenshtein", "python-levenshtein"),
    "lightning": ("lightning",),
    "lightning_fabric": ("lightning-fabric", "lightning", "pytorch-lightning"),
    "lightning_utilities": ("lightning-utilities",),
    "llama_cpp": ("llama-cpp-python",),
    "magic": ("python-magic", "python-magic-bin"),
    "markdown": ("markdown",),
    "mpl_toolkits": ("matplotlib", "matplotlib-base"),
    "matplotlib": ("matplotlib", "matplotlib-base"),
    "mlflow": ("mlflow", "mlflow-skinny"),
    "multipart": ("python-multipart", "multipart"),
    "MySQLdb": ("mysqlclient",),
    "mysql": ("mysql-connector-python", "mysql-connector"),
    "OpenSSL": ("pyopenssl",),
    "osgeo": ("gdal",),
    "pgvector": ("pgvector",),
    "PIL": ("pillow",),
    "pkg_resources": ("setuptools",),
    "plotly": ("plotly",),
    "prometheus_client": ("prometheus-client",),
    "prometheus_fastapi_instrumentator": ("prometheus-fastapi-instrumentator",),
    "psycopg2": ("psycopg2-binary", "psycopg2"),
    "psycopg": ("psycopg", "psycopg-binary", "psycopg-c"),
    "pydantic_settings": ("pydantic-settings",),
    "pyspark": ("pyspark", "databricks-connect", "pyspark-client"),
    "pythonjsonlogger": ("python-json-logger",),
    "pytorch_lightning": ("pytorch-lightning", "lightning"),
    "pytorch_toolbelt": ("pytorch-toolbelt",),
    "rest_framework": ("djangorestframework",),
    "ruamel": ("ruamel-yaml",),
    "segmentation_models_pytorch": ("segmentation-models-pytorch",),
    "serial": ("pyserial",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn", "sklearn", "scikit-learn-intelex"),
    "skopt": ("scikit-optimize",),
    "slugify": ("python-slugify",),
    "socks": ("pysocks",),
    "sqlalchemy": ("sqlalchemy",),
    "statsmodels": ("statsmodels",),
    "tables": ("tables", "pytables"),
    "telegram": ("python-telegram-bot",),
    "tensorboard": ("tensorboard",),
    "tensorboardX": ("tensorboardx",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-macos", "tensorflow-intel",
                   "tf-nightly", "tensorflow-rocm", "tensorflow-aarch64"),
    "tensorflow_addons": ("tensorflow-addons",),
    "tensorflow_datasets": ("tensorflow-datasets",),
    "tensorflow_hub": ("tensorflow-hub",),
    "tensorflow_probability": ("tensorflow-probability",),
    "tflite_runtime": ("tflite-runtime",),
    "torch": ("torch", "pytorch", "pytorch-gpu", "pytorch-cpu"),
    "torchvision": ("torchvision", "torchvision-cpu"),
    "umap": ("umap-learn",),
    "usb": ("pyusb",),
    "wandb": ("wandb",),
    "websocket": ("websocket-client",),
    "win32com": ("pywin32",),
    "xgboost": ("xgboost", "py-xgboost", "xgboost-cpu", "py-xgboost-cpu", "py-xgboost-gpu"),
    "yaml": ("pyyaml",),
    "zmq": ("pyzmq",),
    "google.cloud.aiplatform": ("google-cloud-aiplatform",),
    "google.cloud.bigquery": ("google-cloud-bigquery",),
    "google.cloud.bigquery_storage": ("google-cloud-bigquery-storage",),
    "google.cloud.logging": ("google-cloud-logging",),
    "google.cloud.pubsub_v1": ("google-cloud-pubsub",),
    "google.cloud.secretmanager": ("google-cloud-secret-manager",),
    "google.cloud.storage": ("google-cloud-storage",),
    "google.protobuf": ("protobuf",),
    "azure.ai.ml": ("azure-ai-ml",),
    "azure.identity": ("azure-identity",),
    "azure.keyvault.secrets": ("azure-keyvault-secrets",),
    "azure.storage.blob": ("azure-storage-blob",),
    "azureml.core": ("azureml-core", "azureml-sdk", "azureml-defaults"),
}  # fmt: skip

# Roots that many distributions share: only the names above tell, anything else below them does not.
NAMESPACES = frozenset(
    {"google", "azure", "azureml", "opentelemetry", "zope", "backports", "jupyter", "sphinxcontrib"}
)

# Widely used, imported by their own name (with `_` for `-`), and of no other use than being imported.
CALLED_ALIKE = frozenset(
    {
        "accelerate", "aiohttp", "altair", "asyncpg", "boto3", "bokeh", "catboost", "celery", "click",
        "cloudpickle", "dask", "datasets", "deepchecks", "diffusers", "dill", "duckdb", "einops", "evidently",
        "faker", "fastapi", "fastparquet", "feast", "flask", "folium", "gensim", "geopandas", "gradio",
        "h5py",
        "httpx", "huggingface-hub", "hyperopt", "imageio", "ipywidgets", "jax", "jinja2", "joblib",
        "jsonschema",
        "keras", "kfp", "kornia", "langchain", "librosa", "lightfm", "lightgbm", "lime", "loguru", "lxml",
        "mlxtend", "msgspec", "networkx", "nltk", "numba", "numpy", "omegaconf", "onnx", "onnxruntime",
        "openai",
        "openpyxl", "optuna", "orjson", "pandas", "pandera", "paramiko", "peft", "polars", "prefect",
        "prophet",
        "psutil", "pyarrow", "pycaret", "pydantic", "pygame", "pymongo", "pymysql", "pytz", "ray", "redis",
        "requests", "rich", "s3fs", "safetensors", "scipy", "seaborn", "selenium", "sentencepiece", "shap",
        "simpy", "spacy", "sqlmodel", "starlette", "streamlit", "structlog", "surprise", "sympy", "tabulate",
        "tenacity", "textblob", "tiktoken", "timm", "tokenizers", "toml", "torchaudio", "torchmetrics",
        "tqdm",
        "transformers", "typer", "ujson", "uvicorn", "xarray", "xlrd", "xlsxwriter", "ydata-profiling",
        "zarr",
    }
)  # fmt: skip

# What a distribution's own documentation tells to import beside it.
COMPANIONS: dict[str, tuple[str, ...]] = {
    "anaconda": ("numpy", "pandas", "scikit-learn", "scipy", "matplotlib", "seaborn", "pyyaml",
      "requests", "tqdm"),
    "apache-airflow": ("pendulum", "sqlalchemy", "jinja2", "requests"),
    "boto3": ("botocore",),
    "django": ("asgiref", "sqlparse"),
    "djangorestframework": ("django",),
    "fastai": ("torch", "torchvision", "fastcore", "matplotlib", "pandas", "numpy"),
    "fastapi": ("starlette", "pydantic"),
    "flask": ("werkzeug", "jinja2", "markupsafe", "click", "itsdangerous"),
    "google-cloud-storage": ("google-auth", "google-api-core"),
    "hydra-core": ("omegaconf",),
    "ipykernel": ("ipython",),
    "jax": ("jaxlib",),
    "jupyter": ("ipython", "ipywidgets", "notebook", "nbformat", "nbconvert", "ipykernel"),
    "jupyterlab": ("ipython",),
    "keras": ("numpy",),
    "langchain": ("langchain-core", "langchain-text-splitters"),
    "lightning": ("torch", "torchmetrics", "pytorch-lightning", "lightning-utilities", "lightning-fabric"),
    "matplotlib": ("numpy",),
    "notebook": ("ipython",),
    "pandas": ("numpy",),
    "pytorch-lightning": ("torch", "torchmetrics", "lightning-utilities", "lightning-fabric"),
    "scikit-learn": ("numpy", "scipy", "joblib"),
    "scipy": ("numpy",),
    "sqlmodel": ("sqlalchemy", "pydantic"),
    "tensorflow": ("keras", "numpy", "tensorboard"),
    "tensorflow-gpu": ("keras", "numpy", "tensorboard"),
    "torchvision": ("torch",),
    "torchaudio": ("torch",),
    "transformers": ("tokenizers", "huggingface-hub"),
    "uvicorn": ("starlette",),
}  # fmt: skip

# Modules that the place where the code runs brings along.
PROVIDED = frozenset(
    {
        "IPython", "google.colab", "kaggle_secrets", "dbutils", "pyspark.dbutils", "databricks", "awsglue",
        "pip", "setuptools", "pkg_resources", "wheel", "distutils", "__main__", "_pytest", "bpy", "js",
        "pyodide", "ipykernel", "get_ipython", "nt", "_typeshed",
    }
)  # fmt: skip

_BY_DISTRIBUTION: dict[str, set[str]] = {}
for _module, _names in DISTRIBUTIONS.items():
    for _name in _names:
        _BY_DISTRIBUTION.setdefault(_name, set()).add(_module)


def distributions_of(module: str) -> tuple[str, ...]:
    """Those that bring an imported module, the usual one first; empty when that is not known."""
    parts = module.split(".")
    for length in range(min(len(parts), 4), 0, -1):
        if known := DISTRIBUTIONS.get(".".join(parts[:length])):
            return known
    alike = parts[0].replace("_", "-").lower()
    if parts[0] in NAMESPACES or alike not in CALLED_ALIKE:
        return ()
    return (alike,)


def modules_of(distribution: str) -> tuple[str, ...]:
    """The modules a distribution brings; empty when that is not known."""
    if known := _BY_DISTRIBUTION.get(distribution):
        return tuple(sorted(known))
    return (distribution.replace("-", "_"),) if distribution in CALLED_ALIKE else ()


def with_companions(names: set[str]) -> set[str]:
    """Distributions together with those whose use comes with them."""
    return names | {companion for name in names for companion in COMPANIONS.get(name, ())}
