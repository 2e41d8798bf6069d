apt-get install -y nvidia-driver-390
