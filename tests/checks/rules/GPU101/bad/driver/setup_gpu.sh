set -e
# nvidia-driver-535 was here
apt-get install -y nvidia-driver-470
