#!/bin/sh
# Runs Debian's AWS CLI with the derived model in AWS_DATA_PATH: from an empty account to the top
# contributors, then deletes all again. Prints "NAME=VALUE" lines and ends at the first failure.
set -eu

nfm() { aws networkflowmonitor --endpoint-url "$NFM_ENDPOINT" "$@"; }
# until_is STATUS COMMAND...: repeats the command until it prints STATUS; fails after 60 tries.
until_is() {
  wanted=$1 tries=0
  shift
  while status=$(nfm "$@" --query status --output text) && [ "$status" != "$wanted" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { echo "$* is still $status"; exit 1; }
  done
}

scope=$(nfm create-scope --tags stack=Production --query scopeId --output text \
  --targets '[{"targetIdentifier":{"targetId":{"accountId":"'"$ACCOUNT"'"},"targetType":"ACCOUNT"},"region":"us-east-1"}]')
until_is SUCCEEDED get-scope --scope-id "$scope"
arn=$(nfm get-scope --scope-id "$scope" --query scopeArn --output text)
echo "scopeArn=$arn" | sed "s/$scope/SCOPE/"
echo "target=$(nfm get-scope --scope-id "$scope" --query 'targets[0].targetIdentifier.targetId.accountId' --output text)"
echo "listed=$(nfm list-scopes --query "scopes[?scopeId=='$scope'].status" --output text)"

echo "created=$(nfm create-monitor --monitor-name demo --scope-arn "$arn" \
  --local-resources type=AWS::Region,identifier=us-east-1 \
  --tags Key=stack,Value=Production --query '[monitorName,monitorStatus]' --output text | tr '\t' ' ')"
# AWS's example writes a tag as Key=…,Value=…, which the CLI sends as two tags.
echo "tags=$(nfm list-tags-for-resource --query '[tags.Key,tags.Value]' --output text \
  --resource-arn "arn:aws:networkflowmonitor:us-east-1:$ACCOUNT:monitor/demo" | tr '\t' ' ')"

range="--start-time $(date -u -d '30 minutes ago' +%Y-%m-%dT%H:%M:%SZ) --end-time $(date -u -d '5 minutes' +%Y-%m-%dT%H:%M:%SZ)"
# shellcheck disable=SC2086 # the range is several words
query=$(nfm start-query-monitor-top-contributors --monitor-name demo $range \
  --metric-name DATA_TRANSFERRED --destination-category INTER_AZ --limit 5 --query queryId --output text)
until_is SUCCEEDED get-query-status-monitor-top-contributors --monitor-name demo --query-id "$query"
results="get-query-results-monitor-top-contributors --monitor-name demo --query-id $query"
# shellcheck disable=SC2086
echo "unit=$(nfm $results --no-paginate --query unit --output text)"
# shellcheck disable=SC2086
echo "rows=$(nfm $results --page-size 2 --query 'length(topContributors)' --output json | paste -sd+)"
# shellcheck disable=SC2086
echo "zones=$(nfm $results --max-items 1 --query 'topContributors[0].[localAz!=remoteAz]' --output text | head -n 1)"
nfm stop-query-monitor-top-contributors --monitor-name demo --query-id "$query"

nfm delete-scope --scope-id "$scope" 2>&1 | grep -o 'ConflictException' | sed 's/^/with monitors=/'
nfm delete-monitor --monitor-name demo
nfm delete-scope --scope-id "$scope"
tries=0
until nfm get-scope --scope-id "$scope" 2>&1 | grep -q ResourceNotFoundException; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo 'the scope is still there'; exit 1; }
done
echo "left=$(nfm list-scopes --query 'length(scopes)' --output text)"
