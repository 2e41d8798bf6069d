"""The gates of this package, in the order in which they are asked and shown: cheap first, serving last."""

from pavedroad.registry.gate import Gate
from pavedroad.registry.gates.advisories import ADVISORIES
from pavedroad.registry.gates.approval import APPROVAL
from pavedroad.registry.gates.checks import CHECKS
from pavedroad.registry.gates.contract import CONTRACT
from pavedroad.registry.gates.digest import DIGEST
from pavedroad.registry.gates.environment import ENVIRONMENT
from pavedroad.registry.gates.latency import LATENCY
from pavedroad.registry.gates.metric import METRIC
from pavedroad.registry.gates.model_card import MODEL_CARD
from pavedroad.registry.gates.not_worse_than import NOT_WORSE_THAN
from pavedroad.registry.gates.owner import OWNER
from pavedroad.registry.gates.signature import SIGNATURE

GATES: tuple[Gate, ...] = (
    DIGEST,
    OWNER,
    SIGNATURE,
    MODEL_CARD,
    CONTRACT,
    CHECKS,
    ENVIRONMENT,
    ADVISORIES,
    METRIC,
    NOT_WORSE_THAN,
    APPROVAL,
    LATENCY,
)

__all__ = ["GATES"]
