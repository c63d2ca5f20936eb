#!/usr/bin/env python3
"""Prints the top contributors of the last hour, from your own Network Flow Monitor server.

    export AWS_SHARED_CREDENTIALS_FILE=/var/lib/nfm/credentials NFM_ENDPOINT=https://nfm.example.net:8130
    python3 top_contributors.py [METRIC [CATEGORY]]

METRIC is DATA_TRANSFERRED (default), RETRANSMISSIONS or TIMEOUTS; CATEGORY is a destination
category such as INTER_AZ (default). If your boto3 does not know the service, teach it once:

    nfm contract botocore --dir models && export AWS_DATA_PATH=models
"""

import datetime
import os
import sys
import time

import boto3

ROWS = 20


def main():
    metric, category = (sys.argv[1:] + ['DATA_TRANSFERRED', 'INTER_AZ'][len(sys.argv) - 1 :])[:2]
    nfm = boto3.client(
        'networkflowmonitor',
        endpoint_url=os.environ.get('NFM_ENDPOINT', 'http://127.0.0.1:8130'),
        region_name=os.environ.get('AWS_DEFAULT_REGION', 'us-east-1'),
    )
    scopes = nfm.list_scopes()['scopes']
    if not scopes:
        sys.exit('no scope yet: run `nfm scope create --wait`')
    for row in top_contributors(nfm, scopes[0]['scopeId'], metric, category):
        ends = f"{row.get('localSubnetId', '-')} → {row.get('remoteIdentifier', '-')}"
        print(f"{row['value']:>16}  {ends}")


def top_contributors(nfm, scope_id, metric, category):
    """Starts a query, waits until it is done, and returns its rows."""
    now = datetime.datetime.now(datetime.timezone.utc)
    query = nfm.start_query_workload_insights_top_contributors(
        scopeId=scope_id,
        startTime=now - datetime.timedelta(hours=1),
        endTime=now,
        metricName=metric,
        destinationCategory=category,
        limit=ROWS,
    )
    names = {'scopeId': scope_id, 'queryId': query['queryId']}
    while True:
        status = nfm.get_query_status_workload_insights_top_contributors(**names)['status']
        if status == 'SUCCEEDED':
            break
        if status not in ('QUEUED', 'RUNNING'):
            sys.exit(f'the query is {status}')
        time.sleep(0.2)
    pages = nfm.get_paginator('get_query_results_workload_insights_top_contributors')
    return [row for page in pages.paginate(**names) for row in page['topContributors']]


if __name__ == '__main__':
    main()
