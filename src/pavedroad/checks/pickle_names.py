"""Which names in a pickle are dangerous, and which are what models are made of.

A pickle calls what it names as soon as it is loaded. Dangerous is what starts a program, runs text as code,
opens a connection, or deletes: no model needs it. A name that is on neither list is only unknown.
"""

from __future__ import annotations

from pavedroad.checks.pickle_machine import PUT_TOGETHER, Global

# Everything in these.
DANGEROUS_MODULES = frozenset(
    {
        "os", "posix", "nt", "posixpath.os", "subprocess", "_posixsubprocess", "sys", "shutil", "pty",
        "commands", "socket", "_socket", "ssl", "ctypes", "_ctypes", "cffi", "imp", "importlib",
        "_frozen_importlib", "_frozen_importlib_external", "runpy", "code", "codeop", "pdb", "bdb",
        "pydoc", "webbrowser", "ftplib", "smtplib", "telnetlib", "poplib", "imaplib", "nntplib", "http",
        "socketserver", "xmlrpc", "paramiko", "pexpect", "marshal", "zipimport", "pip", "ensurepip",
        "venv", "timeit", "trace", "profile", "cProfile", "_lsprof", "pkgutil", "signal", "winreg",
        "_winreg", "_winapi", "msvcrt", "multiprocessing.popen_fork", "distutils", "setuptools",
        "_osx_support", "_aix_support", "idlelib", "lib2to3", "ptyprocess", "test.support",
        "asyncio.subprocess", "asyncio.unix_events", "asyncio.base_events",
    }
)  # fmt: skip
# Single names of modules that also hold what models need.
DANGEROUS_NAMES = frozenset(
    {
        *(f"{builtins}.{name}"
          for builtins in ("builtins", "__builtin__", "__builtins__")
          for name in ("eval", "exec", "execfile", "compile", "__import__", "open", "file", "input",
                       "breakpoint", "apply", "globals", "locals", "vars", "delattr")),
        "io.open", "_io.open", "io.FileIO", "_io.FileIO", "io.open_code", "codecs.open", "pickle.load",
        "pickle.loads", "_pickle.load", "_pickle.loads", "cPickle.loads", "pickle.Unpickler",
        "dill.loads", "dill.load", "dill._dill.loads", "cloudpickle.loads", "joblib.load",
        "joblib.numpy_pickle.load", "torch.load", "torch.serialization.load", "torch.hub.load",
        "torch.jit.load", "torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline",
        "torch._dynamo.guards.GuardBuilder.get", "torch.package.PackageImporter",
        "torch.classes.load_library", "torch.ops.load_library", "types.CodeType", "types.FunctionType",
        "numpy.testing._private.utils.runstring", "numpy.testing.utils.runstring", "numpy.load",
        "numpy.fromfile", "numpy.f2py.crackfortran.getlincoef", "numpy.f2py.crackfortran.myeval",
        "numpy.f2py.capi_maps.getinit", "numpy.lib.npyio.load", "numpy.lib._npyio_impl.load",
        "numpy.distutils.exec_command.exec_command", "pandas.read_pickle", "pandas.io.pickle.read_pickle",
        "pandas.eval", "pandas.core.computation.eval.eval", "requests.get", "requests.post",
        "requests.put", "requests.request", "requests.delete", "requests.head", "requests.api.get",
        "requests.api.post", "requests.api.put", "requests.api.request", "httpx.get", "httpx.post",
        "aiohttp.client.ClientSession", "aiohttp.ClientSession", "urllib.request.urlopen",
        "urllib.request.urlretrieve", "urllib.urlopen", "urllib2.urlopen", "platform.popen",
        "platform._syscmd_uname", "platform._syscmd_file", "uuid._get_command_stdout",
        "logging.config.listen", "logging.FileHandler", "threading.Thread", "multiprocessing.Process",
        "multiprocessing.context.Process", "concurrent.futures.ProcessPoolExecutor", "sqlite3.connect",
        "tempfile.NamedTemporaryFile", "pathlib.Path.unlink", "pathlib.Path.write_text",
        "pathlib.Path.write_bytes", "site.main", "doctest.debug_script", "doctest.testfile",
        "unittest.main", "cgitb.lookup", "cloudpickle.load", "IPython.utils.process.system",
        "IPython.core.interactiveshell.InteractiveShell.system", "sympy.parsing.sympy_parser.eval_expr",
        "nltk.data.load", "yaml.load", "yaml.unsafe_load",
    }
)  # fmt: skip
# Reached through an attribute, whatever holds it: `getattr(x, "system")`.
DANGEROUS_ATTRIBUTES = frozenset(
    {
        "system", "popen", "Popen", "spawn", "fork", "execv", "execve", "__import__", "__subclasses__",
        "__globals__", "__builtins__", "__code__", "__getattribute__", "check_output", "import_module",
        "unlink", "rmtree", "remove_tree",
    }
)  # fmt: skip
# Modules that others have imported, reached through them: `sklearn.utils` and `os.system`.
REACHED_MODULES = frozenset({"os", "sys", "subprocess", "builtins", "posix", "shutil", "socket", "importlib"})
# What models are made of: their attributes may be called `system` and mean no harm.
KNOWN_PACKAGES = frozenset(
    {
        "sklearn", "numpy", "scipy", "pandas", "xgboost", "lightgbm", "catboost", "torch", "torchvision",
        "joblib", "collections", "datetime", "decimal", "fractions", "copyreg", "copy_reg", "_codecs",
        "pathlib", "uuid", "re", "enum", "keras", "tensorflow", "statsmodels", "prophet", "lifelines",
        "imblearn", "category_encoders", "feature_engine", "transformers", "tokenizers", "polars",
        "pyarrow", "optuna", "shap", "interpret", "river", "pmdarima", "sktime", "skops", "skl2onnx",
        "mlflow", "pavedroad", "pytorch_lightning", "lightning", "sentence_transformers", "dateutil",
        "pytz", "zoneinfo", "functools", "itertools", "operator", "cloudpickle", "dill", "ordereddict",
        "pytorch_tabnet", "autogluon", "fastai", "spacy", "thinc", "gensim", "nltk", "networkx",
    }
)  # fmt: skip


def is_dangerous(wanted: Global) -> bool:
    """Whether no model needs this name and loading it may do harm."""
    if wanted == PUT_TOGETHER:  # nobody hides a name without a reason
        return True
    if str(wanted) in DANGEROUS_NAMES:
        return True
    module, name = wanted.module.split("."), wanted.name.split(".")
    if any(".".join(module[:length]) in DANGEROUS_MODULES for length in range(1, len(module) + 1)):
        return module[:2] != ["importlib", "metadata"]
    reached = name if wanted.module == "?" or len(name) > 1 else []
    return any(part in DANGEROUS_ATTRIBUTES for part in reached) or any(
        part in ("os", "sys", "subprocess", "builtins", "posix", "shutil", "socket", "importlib")
        for part in name
    )
