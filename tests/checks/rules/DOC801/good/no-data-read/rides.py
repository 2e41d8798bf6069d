print("rides")
