SCRIPT = "assets/train_model.py"
