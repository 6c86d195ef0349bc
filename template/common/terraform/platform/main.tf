# What flows share, once for each environment: a bucket, job queues, a security group, a repository for images.

module "platform" {
  source = "../modules/platform"

  name             = "sample-flow-${var.environment}"
  vpc_id           = var.vpc_id
  subnet_ids       = var.subnet_ids
  assign_public_ip = var.assign_public_ip
  force_destroy    = var.force_destroy

  tags = { environment = var.environment }
}
