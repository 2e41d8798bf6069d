"""Take runs, models and files over from MLflow."""
