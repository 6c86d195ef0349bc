variable "name" {
  description = "Name of the deployment, and of what is made for it. Deploy a flow twice under two names."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][0-9A-Za-z_-]{0,45}$", var.name))
    error_message = "The name must be of 1 to 46 letters, digits, hyphens and underscores, a letter first."
  }
}

variable "place" {
  description = "Account and region of the deployment, by who has read them already; read if null."
  type = object({
    account_id = string
    region     = string
  })
  default = null
}

variable "flows" {
  description = "Names of the flows, in the order in which they run: of most deployments one."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.flows) > 0
    error_message = "There must be a flow."
  }
}

variable "definitions" {
  description = "Definitions of the state machines, in JSON: flow is the one that the deployment is, the others are those that it runs."
  type        = map(string)
  nullable    = false

  validation {
    condition     = contains(keys(var.definitions), "flow")
    error_message = "One of the definitions must be flow."
  }

  validation {
    condition     = alltrue([for machine in keys(var.definitions) : can(regex("^[a-z][0-9a-z_]*$", machine))])
    error_message = "State machines are called by small letters, digits and underscores, a letter first."
  }

  validation {
    condition     = alltrue([for machine in keys(var.definitions) : machine == "flow" || length("${var.name}-${machine}") <= 80])
    error_message = "Names of state machines are of 80 characters at most: that of the deployment, a hyphen, and what they are called."
  }
}

variable "roles" {
  description = "Roles by their labels: state_machine runs the state machines, schedule (if there is a schedule) starts them, others are for tasks and functions. Each is given by its ARN, or made: for the service that takes it, with the policy, in JSON. Where the ARN is that of a role that is made in the same apply, given = true says so."
  type = map(object({
    service     = string
    description = string
    policy      = string
    given       = optional(bool)
    arn         = optional(string)
  }))
  nullable = false

  validation {
    condition     = contains(keys(var.roles), "state_machine")
    error_message = "One of the roles must be state_machine."
  }

  validation {
    condition     = alltrue([for label in keys(var.roles) : can(regex("^[a-z][0-9a-z_]*$", label)) && length("${var.name}-${label}") <= 64])
    error_message = "Labels of roles are of small letters, digits and underscores, a letter first, and of 64 characters at most with the name of the deployment and a hyphen before them."
  }

  validation {
    condition     = alltrue([for role in values(var.roles) : can(regex("^[a-z-]+[.]amazonaws[.]com$", role.service))])
    error_message = "The service of a role must be given by its principal, such as states.amazonaws.com."
  }

  validation {
    condition = alltrue([
      for role in values(var.roles) : role.arn == null ? true : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[0-9A-Za-z+=,.@_/-]+$", role.arn))
    ])
    error_message = "A role that is made elsewhere must be given by its ARN."
  }

  validation {
    condition     = alltrue([for role in values(var.roles) : role.given == true ? role.arn != null : true])
    error_message = "A role that is given needs its ARN."
  }
}

variable "region_in_role_names" {
  description = "Whether the names of roles have the region in them, so that a deployment of the same name can be in another region. To change it makes the roles anew."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition = !var.region_in_role_names || alltrue([
      for label in keys(var.roles) : length("${var.name}-us-isof-south-1-${label}") <= 64
    ])
    error_message = "With the region in the names of roles, at most 17 characters, the name must be shorter: 64 characters with the longest label and the hyphens."
  }
}

variable "log_groups" {
  description = "Names of the log groups of tasks and functions, by labels. That of the state machines is made besides."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = !contains(keys(var.log_groups), "state_machine")
    error_message = "The log group state_machine is made by the module."
  }
}

variable "datastore_root" {
  description = "Where artifacts are kept: s3://bucket or s3://bucket/prefix."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.()=-]+)*/?$", var.datastore_root))
    error_message = "The datastore must be s3://bucket or s3://bucket/prefix, the prefix of letters, digits and !_.()=-."
  }

  validation {
    condition     = length(setintersection(split("/", var.datastore_root), [".", ".."])) == 0
    error_message = "The prefix of the datastore must have no part that is . or .. only."
  }
}

variable "schedule" {
  description = "When executions are started, without parameters: a cron(), rate() or at() expression in a time zone, and whether it is heeded. Null for never."
  type = object({
    expression = string
    timezone   = optional(string, "UTC")
    enabled    = optional(bool, true)
  })
  default = null

  validation {
    condition     = var.schedule == null ? true : can(regex("^(at|cron|rate)[(].+[)]$", var.schedule.expression))
    error_message = "A schedule is written cron(...), rate(...) or at(...)."
  }

  validation {
    condition     = var.schedule == null ? true : contains(keys(var.roles), "schedule")
    error_message = "A schedule needs a role of its label: roles = { schedule = { ... } }."
  }
}

variable "alarm_actions" {
  description = "ARNs of what is told when an execution fails, times out or is throttled, such as an SNS topic."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for action in var.alarm_actions : can(regex("^arn:[a-z-]+:[a-z0-9-]+:", action))])
    error_message = "The actions of alarms must be given by their ARNs."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts state machines, logs and schedules; its policy must let CloudWatch Logs and delivery.logs.amazonaws.com use it. AWS's own keys unless given."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null ? true : can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-zA-Z-]+$", var.kms_key_arn))
    error_message = "The key must be given by its ARN."
  }
}

variable "keep_logs" {
  description = "Whether logs stay when the deployment is destroyed; applied before that, or it has no effect."
  type        = bool
  default     = false
  nullable    = false
}

variable "log_retention_in_days" {
  description = "Days that logs are kept; 0 for ever."
  type        = number
  default     = 365
  nullable    = false

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_in_days)
    error_message = "CloudWatch Logs keeps logs for 0 (ever), 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 or more days."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds the permissions of the roles; none unless given."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null ? true : can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/[0-9A-Za-z+=,.@_/-]+$", var.permissions_boundary_arn))
    error_message = "The permissions boundary must be given by its ARN."
  }
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
  default     = {}
  nullable    = false
}
