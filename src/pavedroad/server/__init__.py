"""One process that answers the MLflow API and shows the pages."""
