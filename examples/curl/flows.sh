#!/bin/sh
# Prints single flows as JSON, with every number that agents report. AWS has no operation for this,
# so AWS's clients cannot call it; curl 7.75 or newer signs the request.
#
#   export AWS_SHARED_CREDENTIALS_FILE=/var/lib/nfm/credentials NFM_ENDPOINT=https://nfm.example.net:8130
#   sh flows.sh [CATEGORY]
#
# curl 7.88 signs the query as it is written. Write its parameters in alphabetical order,
# and a time with its colons as %3A.
set -eu
category=${1:-INTER_AZ}

# A key of the file's profile, AWS_PROFILE or "default".
key() {
  awk -v profile="[${AWS_PROFILE:-default}]" -v name="$1" \
    '/^\[/ { inside = $0 == profile } inside && $1 == name { print $3 }' \
    "${AWS_SHARED_CREDENTIALS_FILE:-$HOME/.aws/credentials}"
}

curl --silent --show-error --fail-with-body \
  --aws-sigv4 "aws:amz:${AWS_DEFAULT_REGION:-us-east-1}:networkflowmonitor" \
  --user "$(key aws_access_key_id):$(key aws_secret_access_key)" \
  "${NFM_ENDPOINT:-http://127.0.0.1:8130}/api/v1/flows?category=$category&limit=20"
