output "datastore_root" {
  description = "Where artifacts are kept, the variable datastore_root of a compiled flow: s3://bucket or s3://bucket/prefix."
  value       = "s3://${aws_s3_bucket.this.id}${local.prefix == "" ? "" : "/${trimsuffix(local.prefix, "/")}"}"

  # Nothing is written before the bucket is as it should be.
  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}

output "bucket" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.id

  # Nothing is written before the bucket is as it should be.
  depends_on = [
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "kms_key_arn" {
  description = "ARN of the KMS key that encrypts objects; null if it is AWS's own."
  value       = var.kms_key_arn
}
