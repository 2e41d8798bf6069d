from typing import TYPE_CHECKING

try:
    import torch
except ImportError:
    torch = None
if TYPE_CHECKING:
    import seaborn
