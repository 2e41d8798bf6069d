variable "install" {
  default = "apt-get install -y cuda-drivers-450"
}
