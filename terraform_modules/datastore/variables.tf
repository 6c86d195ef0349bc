variable "bucket" {
  description = "Name of the bucket; made of bucket_prefix if null."
  type        = string
  default     = null

  validation {
    condition     = var.bucket == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.bucket))
    error_message = "A bucket's name is of 3 to 63 small letters, digits, dots and hyphens."
  }
}

variable "bucket_prefix" {
  description = "Beginning of the name of the bucket, which gets an end of its own: names of buckets are unique in the world."
  type        = string
  default     = "laminar-"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{0,36}$", var.bucket_prefix))
    error_message = "The beginning of a bucket's name is of 1 to 37 small letters, digits, dots and hyphens."
  }
}

variable "prefix" {
  description = "Folder in the bucket that artifacts are kept in; none if empty."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9!_.()=-]+(/[A-Za-z0-9!_.()=-]+)*)?$", var.prefix))
    error_message = "A folder is of letters, digits and !_.()=-, with single slashes between its parts."
  }

  validation {
    condition     = length(setintersection(split("/", var.prefix), [".", ".."])) == 0
    error_message = "A folder must have no part that is . or .. only."
  }
}

variable "force_destroy" {
  description = "Whether to delete the bucket with all artifacts in it when it is destroyed; else a bucket must be empty for that."
  type        = bool
  default     = false
  nullable    = false
}

variable "encryption" {
  description = "How objects are encrypted: aws:kms (with kms_key_arn, or AWS's own key of the account), or AES256."
  type        = string
  default     = "aws:kms"
  nullable    = false

  validation {
    condition     = contains(["AES256", "aws:kms"], var.encryption)
    error_message = "The encryption must be aws:kms or AES256."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts objects; AWS's own key of the account if null. Who reads and writes artifacts must be granted the use of the key."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.kms_key_arn))
    error_message = "The key must be given by its ARN."
  }

  validation {
    condition     = var.kms_key_arn == null || var.encryption == "aws:kms"
    error_message = "A key is for the encryption aws:kms."
  }
}

variable "versioning" {
  description = "Whether what is overwritten or deleted is kept for a while; see noncurrent_version_days."
  type        = bool
  default     = true
  nullable    = false
}

variable "noncurrent_version_days" {
  description = "Days after which what was overwritten or deleted is gone for good."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.noncurrent_version_days >= 1
    error_message = "Versions are kept for at least a day."
  }
}

variable "abort_upload_days" {
  description = "Days after which uploads that were not completed are given up."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.abort_upload_days >= 1
    error_message = "Uploads are kept for at least a day."
  }
}

variable "intelligent_tiering_days" {
  description = "Days after which artifacts move to the storage class INTELLIGENT_TIERING; never if null."
  type        = number
  default     = null

  validation {
    condition     = var.intelligent_tiering_days == null ? true : var.intelligent_tiering_days >= 0
    error_message = "The days cannot be negative."
  }
}

variable "cache_expiration_days" {
  description = "Days after which the notes on the executions of a flow are deleted, by the flow's name: what tells which layers and splits finished. Such an execution cannot be resumed any more; its artifacts stay."
  type        = map(number)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for flow in keys(var.cache_expiration_days) : can(regex("^[A-Za-z_][0-9A-Za-z_]*$", flow))])
    error_message = "A flow must be named as its class is."
  }

  validation {
    condition     = alltrue([for days in values(var.cache_expiration_days) : days >= 1])
    error_message = "Notes are kept for at least a day."
  }
}

variable "lifecycle_rules" {
  description = "Further lifecycle rules of the bucket, by their ids: days until objects under a prefix expire, until their old versions do, and until they move to a storage class. Artifacts are stored once for all executions that have the same value: an expiration under a flow's folder breaks newer executions, too."
  type = map(object({
    prefix                  = optional(string, "")
    expiration_days         = optional(number)
    noncurrent_version_days = optional(number)
    transitions             = optional(map(number), {})
  }))
  default  = {}
  nullable = false

  validation {
    condition     = length(setintersection(keys(var.lifecycle_rules), ["abort-incomplete-uploads", "expire-noncurrent-versions", "tier-artifacts"])) == 0
    error_message = "A rule cannot have the id of a rule of the module: abort-incomplete-uploads, expire-noncurrent-versions, tier-artifacts."
  }

  validation {
    condition     = alltrue([for rule in values(var.lifecycle_rules) : length(rule.transitions) > 0 || rule.expiration_days != null || rule.noncurrent_version_days != null])
    error_message = "A rule needs expiration_days, noncurrent_version_days or transitions."
  }
}

variable "policy_documents" {
  description = "Further policies of the bucket, as JSON: such as to let another account read artifacts."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for document in var.policy_documents : can(jsondecode(document).Statement)])
    error_message = "A policy is JSON with a Statement."
  }
}

variable "access_log" {
  description = "The bucket that is told of every access, and the folder there: the name of the datastore's bucket unless given. The policy of that bucket must let Amazon S3 write to it. Null for none."
  type = object({
    bucket = string
    prefix = optional(string)
  })
  default = null
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  default     = {}
  nullable    = false
}
