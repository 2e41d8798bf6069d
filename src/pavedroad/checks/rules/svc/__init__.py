"""About services."""

from pavedroad.checks.model import Rule
from pavedroad.checks.rules.svc.svc601_missing_health_route import missing_health_route
from pavedroad.checks.rules.svc.svc602_prediction_without_schema import prediction_without_schema
from pavedroad.checks.rules.svc.svc603_blocking_async_prediction import blocking_async_prediction
from pavedroad.checks.rules.svc.svc604_request_without_timeout import request_without_timeout
from pavedroad.checks.rules.svc.svc605_missing_latency_budget import missing_latency_budget
from pavedroad.checks.rules.svc.svc606_model_loaded_per_request import model_loaded_per_request
from pavedroad.checks.rules.svc.svc607_open_to_everyone import open_to_everyone
from pavedroad.checks.rules.svc.svc608_root_container import root_container
from pavedroad.checks.rules.svc.svc609_floating_image import floating_image
from pavedroad.checks.rules.svc.svc610_careless_build_context import careless_build_context

RULES: tuple[Rule, ...] = (
    missing_health_route,
    prediction_without_schema,
    blocking_async_prediction,
    request_without_timeout,
    missing_latency_budget,
    model_loaded_per_request,
    open_to_everyone,
    root_container,
    floating_image,
    careless_build_context,
)
