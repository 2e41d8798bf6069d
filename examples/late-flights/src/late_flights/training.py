"""Split by time, train, measure."""

from __future__ import annotations

from pathlib import Path

import pavedroad as paved
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from late_flights.features import CATEGORIES, FEATURES, LABEL, NUMBERS

LAST_TRAINING_MONTH = 8
TEST_MONTHS = (9, 10)  # November and December stay unseen, to be watched later
CARD = Path(__file__).parent / "model_card.md"


@paved.step
def split_by_month(departures: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Train on the past, test on the months after it: a random split would show the model the future."""
    month = departures["month"]
    train = departures.filter(pc.less_equal(month, LAST_TRAINING_MONTH))
    test = departures.filter(pc.is_in(month, pa.array(TEST_MONTHS, month.type)))
    return train, test


@paved.step(depends_on=[CARD])
def train(departures: pa.Table, *, iterations: int, learning_rate: float) -> paved.Model:
    rows = departures.to_pandas()
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    classifier = make_pipeline(
        make_column_transformer((OrdinalEncoder(**unknown), CATEGORIES), ("passthrough", NUMBERS)),
        HistGradientBoostingClassifier(max_iter=iterations, learning_rate=learning_rate, random_state=42),
    )
    classifier.fit(rows[FEATURES], rows[LABEL])
    return paved.Model(
        estimator=classifier,
        name="late-flights",
        example=rows[FEATURES].dropna().head(5),
        card=CARD.read_text("utf-8"),
        params={"iterations": iterations, "learning_rate": learning_rate},
    )


@paved.step
def evaluate(model: paved.Model, departures: pa.Table) -> paved.Evaluation:
    rows = departures.to_pandas()
    late = model.estimator.predict_proba(rows[FEATURES])[:, 1]
    return paved.Evaluation(
        metrics={
            "auc": roc_auc_score(rows[LABEL], late),
            "average_precision": average_precision_score(rows[LABEL], late),
            "log_loss": log_loss(rows[LABEL], late),
            "share_late": float(rows[LABEL].mean()),
        },
        data=departures,
        name="flights-september-october",
    )
