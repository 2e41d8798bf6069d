"""About graphics cards: whether code, packages, image and driver fit together."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.gpu.gpu101_cuda_mismatch import cuda_mismatch
from pavedroad.checks.rules.gpu.gpu102_two_cudas import two_cudas
from pavedroad.checks.rules.gpu.gpu103_hard_coded_cuda import hard_coded_cuda
from pavedroad.checks.rules.gpu.gpu104_load_without_map_location import load_without_map_location
from pavedroad.checks.rules.gpu.gpu105_untested_gpu_code import untested_gpu_code
from pavedroad.checks.rules.gpu.gpu106_framework_without_gpu import framework_without_gpu

RULES: tuple[Rule, ...] = (
    cuda_mismatch,
    two_cudas,
    hard_coded_cuda,
    load_without_map_location,
    untested_gpu_code,
    framework_without_gpu,
)
