# A scope and a monitor, created by the AWS provider in your own Network Flow Monitor server.
#
#   export AWS_SHARED_CREDENTIALS_FILE=/var/lib/nfm/credentials
#   terraform init
#   terraform apply -var endpoint=https://nfm.example.net:8130 -var account=123456789012

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.21"
    }
  }
}

variable "endpoint" {
  type    = string
  default = "http://127.0.0.1:8130"
}

# The account that owns the key in use: `nfm account list`.
variable "account" {
  type    = string
  default = "000000000000"
}

variable "region" {
  type    = string
  default = "us-east-1"
}

# Only this service goes to your server. The provider must not ask STS, IAM or the metadata service
# about the key, because AWS does not know it.
provider "aws" {
  region                      = var.region
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true

  endpoints {
    networkflowmonitor = var.endpoint
  }
}

resource "aws_networkflowmonitor_scope" "all" {
  target {
    region = var.region
    target_identifier {
      target_type = "ACCOUNT"
      target_id {
        account_id = var.account
      }
    }
  }

  tags = {
    managed-by = "terraform"
  }
}

# All flows of the hosts in one zone, whatever their remote end.
resource "aws_networkflowmonitor_monitor" "zone" {
  monitor_name = "zone-use1-az1"
  scope_arn    = aws_networkflowmonitor_scope.all.scope_arn

  local_resource {
    type       = "AWS::AvailabilityZone"
    identifier = "use1-az1"
  }

  tags = {
    managed-by = "terraform"
  }
}

# Flows between two zones.
resource "aws_networkflowmonitor_monitor" "between" {
  monitor_name = "use1-az1-to-use1-az2"
  scope_arn    = aws_networkflowmonitor_scope.all.scope_arn

  local_resource {
    type       = "AWS::AvailabilityZone"
    identifier = "use1-az1"
  }
  remote_resource {
    type       = "AWS::AvailabilityZone"
    identifier = "use1-az2"
  }
}
