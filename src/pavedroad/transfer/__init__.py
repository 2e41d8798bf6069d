"""Take runs and models over from MLflow and hand them back; send what was logged offline."""
