#!/bin/sh
# Prints the top contributors of the last hour with the AWS CLI, from your own server.
#
#   export AWS_SHARED_CREDENTIALS_FILE=/var/lib/nfm/credentials NFM_ENDPOINT=https://nfm.example.net:8130
#   sh top-contributors.sh [METRIC [CATEGORY]]
#
# If your AWS CLI does not know the service, teach it once:
#   nfm contract botocore --dir models && export AWS_DATA_PATH=models
set -eu
metric=${1:-DATA_TRANSFERRED} category=${2:-INTER_AZ}
export AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}" AWS_PAGER=

nfm() { aws networkflowmonitor --endpoint-url "${NFM_ENDPOINT:-http://127.0.0.1:8130}" "$@"; }

scope=$(nfm list-scopes --query 'scopes[0].scopeId' --output text)
[ "$scope" != None ] || { echo 'no scope yet: run nfm scope create --wait' >&2; exit 1; }

query=$(nfm start-query-workload-insights-top-contributors --scope-id "$scope" \
  --start-time "$(date -u -d '1 hour ago' +%FT%TZ)" --end-time "$(date -u +%FT%TZ)" \
  --metric-name "$metric" --destination-category "$category" --limit 20 \
  --query queryId --output text)

while :; do
  status=$(nfm get-query-status-workload-insights-top-contributors \
    --scope-id "$scope" --query-id "$query" --query status --output text)
  case $status in
    SUCCEEDED) break ;;
    QUEUED | RUNNING) sleep 0.2 ;;
    *) echo "the query is $status" >&2; exit 1 ;;
  esac
done

nfm get-query-results-workload-insights-top-contributors --scope-id "$scope" --query-id "$query" \
  --query 'topContributors[].[value,localSubnetId,remoteIdentifier]' --output text
