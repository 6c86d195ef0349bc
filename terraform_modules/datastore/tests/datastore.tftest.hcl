# What the module makes, for which variables. Nothing is made in AWS: the provider is a mock.

mock_provider "aws" {
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  bucket = "team-artifacts"
}

run "hardened_by_default" {
  assert {
    condition     = aws_s3_bucket.this.bucket == "team-artifacts" && !aws_s3_bucket.this.force_destroy
    error_message = "The bucket must have its name, and keep what is in it."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Nothing may be public."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.this.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "There must be no ACLs."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled"
    error_message = "Versions must be kept."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" && one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "Objects must be encrypted by KMS, with few calls of it."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.this.rule).blocked_encryption_types == tolist(["SSE-C"])
    error_message = "Keys that come with requests must stay blocked, as Amazon S3 has it: left out, the provider would take that away."
  }

  assert {
    condition     = output.kms_key_arn == null
    error_message = "The key must be AWS's own."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "Access is logged only where it is asked for."
  }

  assert {
    condition     = output.datastore_root == "s3://${aws_s3_bucket.this.id}"
    error_message = "The root must be the bucket."
  }
}

run "outdated_transport_is_denied" {
  assert {
    condition = {
      for statement in data.aws_iam_policy_document.this.statement :
      statement.sid => "${statement.effect} ${one(statement.actions)} ${one(statement.condition).test} ${one(statement.condition).variable} ${one(one(statement.condition).values)}"
      } == {
      DenyUnencryptedTransport = "Deny s3:* Bool aws:SecureTransport false"
      DenyOutdatedTransport    = "Deny s3:* NumericLessThan s3:TlsVersion 1.2"
    }
    error_message = "Connections without TLS, or with one before 1.2, must be denied."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.this.statement :
      statement.resources == toset([aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"])
    ])
    error_message = "They must be denied for the bucket and what is in it."
  }
}

run "tidied_up_by_default" {
  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id] == ["abort-incomplete-uploads", "expire-noncurrent-versions"]
    error_message = "Only uploads and versions go away by default."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 7
    error_message = "Uploads must be given up."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this.rule[1].noncurrent_version_expiration[0].noncurrent_days == 30 && aws_s3_bucket_lifecycle_configuration.this.rule[1].expiration[0].expired_object_delete_marker
    error_message = "Versions must go away, and what marks them as deleted."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.status == "Enabled"])
    error_message = "Rules must be in force."
  }
}

run "in_a_folder" {
  variables {
    prefix                   = "flows/prod"
    intelligent_tiering_days = 30
    cache_expiration_days    = { Report = 90, Digits = 14 }
  }

  assert {
    condition     = output.datastore_root == "s3://${aws_s3_bucket.this.id}/flows/prod"
    error_message = "The root must be the folder."
  }

  assert {
    condition = {
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule : rule.id => "${rule.filter[0].prefix} ${rule.expiration[0].days}"
      if startswith(rule.id, "expire-cache")
      } == {
      "expire-cache-of-Digits" = "flows/prod/Digits/.cache/ 14"
      "expire-cache-of-Report" = "flows/prod/Report/.cache/ 90"
    }
    error_message = "The notes of each flow must go away, in the folder."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      "${rule.filter[0].prefix} ${one(rule.transition).days} ${one(rule.transition).storage_class}" if rule.id == "tier-artifacts"
    ] == ["flows/prod/ 30 INTELLIGENT_TIERING"]
    error_message = "Artifacts must become cheap."
  }
}

run "own_key" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/1"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn && output.kms_key_arn == var.kms_key_arn
    error_message = "Objects must be encrypted by the key."
  }
}

run "keys_of_s3" {
  variables {
    encryption = "AES256"
    versioning = false
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256" && !one(aws_s3_bucket_server_side_encryption_configuration.this.rule).bucket_key_enabled
    error_message = "Objects must be encrypted by Amazon S3's keys."
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Suspended"
    error_message = "Versions must not be kept."
  }
}

run "named_by_its_beginning" {
  variables {
    bucket        = null
    bucket_prefix = "team-"
    access_log    = { bucket = "logs" }
  }

  assert {
    condition     = aws_s3_bucket.this.bucket_prefix == "team-"
    error_message = "The bucket's name must begin so."
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_bucket == "logs" && aws_s3_bucket_logging.this[0].target_prefix == "${aws_s3_bucket.this.id}/"
    error_message = "Access must be logged, under the bucket's name."
  }
}

run "logs_in_a_folder" {
  command = plan

  variables {
    access_log = { bucket = "logs", prefix = "s3/" }
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_prefix == "s3/"
    error_message = "Access must be logged in the folder."
  }
}

run "further_policies" {
  command = plan

  variables {
    policy_documents = ["{\"Statement\": []}"]
  }

  assert {
    condition     = data.aws_iam_policy_document.this.source_policy_documents == tolist(["{\"Statement\": []}"])
    error_message = "The policy must have the given statements besides."
  }
}

run "names_are_checked" {
  command = plan

  variables {
    bucket        = "Team"
    bucket_prefix = "a-beginning-of-a-name-that-is-too-long-"
    prefix        = "/flows/"
  }

  expect_failures = [var.bucket, var.bucket_prefix, var.prefix]
}

run "encryption_is_checked" {
  command = plan

  variables {
    encryption = "rot13"
  }

  expect_failures = [var.encryption]
}

run "a_key_is_checked" {
  command = plan

  variables {
    kms_key_arn = "alias/key"
  }

  expect_failures = [var.kms_key_arn]
}

run "a_key_is_for_kms" {
  command = plan

  variables {
    encryption  = "AES256"
    kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/1"
  }

  expect_failures = [var.kms_key_arn]
}

run "days_are_checked" {
  command = plan

  variables {
    noncurrent_version_days  = 0
    abort_upload_days        = 0
    intelligent_tiering_days = -1
    cache_expiration_days    = { Report = 0 }
  }

  expect_failures = [
    var.noncurrent_version_days,
    var.abort_upload_days,
    var.intelligent_tiering_days,
    var.cache_expiration_days,
  ]
}

run "flows_and_policies_are_checked" {
  command = plan

  variables {
    cache_expiration_days = { "my flow" = 1 }
    policy_documents      = ["[]"]
  }

  expect_failures = [var.cache_expiration_days, var.policy_documents]
}

run "a_pattern_is_no_folder" {
  command = plan

  variables {
    prefix      = "flows*"
    kms_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/*"
  }

  expect_failures = [var.prefix, var.kms_key_arn]
}

run "a_folder_is_below_its_bucket" {
  command = plan

  variables {
    prefix = "flows/.."
  }

  expect_failures = [var.prefix]
}

run "rules_of_a_team" {
  command = plan

  variables {
    lifecycle_rules = {
      archive = { prefix = "archive/", expiration_days = 365, noncurrent_version_days = 7, transitions = { GLACIER = 30 } }
      tidy    = { noncurrent_version_days = 3 }
    }
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.this.rule :
      "${rule.id} ${rule.filter[0].prefix} ${join(",", rule.expiration[*].days)} ${join(",", rule.noncurrent_version_expiration[*].noncurrent_days)} ${join(",", [for move in rule.transition : "${move.storage_class}:${move.days}"])}"
      if contains(["archive", "tidy"], rule.id)
    ] == ["archive archive/ 365 7 GLACIER:30", "tidy   3 "]
    error_message = "Each rule must be there as it is, besides those of the module."
  }
}

run "ids_of_rules_are_not_taken" {
  command = plan

  variables {
    lifecycle_rules = { "tier-artifacts" = { expiration_days = 1 } }
  }

  expect_failures = [var.lifecycle_rules]
}

run "a_rule_does_something" {
  command = plan

  variables {
    lifecycle_rules = { nothing = { prefix = "archive/" } }
  }

  expect_failures = [var.lifecycle_rules]
}
