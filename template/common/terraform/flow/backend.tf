# Where the state is kept. Fill in your bucket, and give each environment a key of its own:
#   terraform init -backend-config="key=sample-flow/$ENVIRONMENT/flow.tfstate"
#
# terraform {
#   backend "s3" {
#     bucket       = "your-terraform-states"
#     region       = "eu-west-1"
#     use_lockfile = true
#   }
# }
