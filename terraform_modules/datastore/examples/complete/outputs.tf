output "datastore_root" {
  description = "Where artifacts are kept."
  value       = module.datastore.datastore_root
}

output "access_log_bucket" {
  description = "Name of the bucket with the access logs."
  value       = module.access_logs.bucket
}
