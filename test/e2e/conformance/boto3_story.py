"""Runs AWS's Python client against a server and prints lines:

    check NAME                     a condition that holds
    exchange OPERATION OUTCOME     the answer of an operation: "success" or the error's code

Ends at the first condition that does not hold. Environment: NFM_ENDPOINT, ACCOUNT, and the variables
of boto3 (AWS_DATA_PATH with the derived model, AWS_SHARED_CREDENTIALS_FILE).
"""

import datetime
import os
import threading
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT = os.environ['ACCOUNT']
ONE_TRY = Config(retries={'total_max_attempts': 1})
OTHER_ACCOUNT = '210987654321'
exchanges = set()


def make_client(region='us-east-1', profile='default'):
    session = boto3.Session(profile_name=profile, region_name=region)
    client = session.client('networkflowmonitor', endpoint_url=os.environ['NFM_ENDPOINT'], config=ONE_TRY)
    client.meta.events.register('after-call', remember)
    return client


def remember(parsed, model, **_):
    exchanges.add((model.name, parsed.get('Error', {}).get('Code', 'success')))


def check(name, holds):
    if not holds:
        raise SystemExit(f'FAILED {name}')
    print('check', name)


def refused(name, client, operation, parameters):
    """The call must raise the typed exception of that name."""
    try:
        getattr(client, operation)(**parameters)
    except getattr(client.exceptions, name) as error:
        response = error.response
        metadata = response['ResponseMetadata']
        told = (response['Error']['Code'], bool(response['Error']['Message']), bool(metadata['RequestId']))
        if told != (name, True, True):
            raise SystemExit(f'FAILED {operation}: {response}')
        return response
    raise SystemExit(f'FAILED {operation} {parameters}: not refused with {name}')


def until(look, wanted, passing):
    """Polls until the status is the wanted one; every status before it must be one of `passing`."""
    latest = time.monotonic() + 60
    while True:
        status = look()
        if status == wanted:
            return
        if status not in passing or time.monotonic() > latest:
            raise SystemExit(f'FAILED status {status} instead of {wanted}')
        time.sleep(0.05)


def gone(client, operation, parameters):
    latest = time.monotonic() + 60
    while time.monotonic() < latest:
        try:
            getattr(client, operation)(**parameters)
        except client.exceptions.ResourceNotFoundException:
            return True
        time.sleep(0.05)
    return False


def target(account=ACCOUNT, region='us-east-1'):
    return {
        'targetIdentifier': {'targetId': {'accountId': account}, 'targetType': 'ACCOUNT'},
        'region': region,
    }


def make_scope(client, targets):
    scope = client.create_scope(targets=targets)
    until(lambda: client.get_scope(scopeId=scope['scopeId'])['status'], 'SUCCEEDED', ['IN_PROGRESS'])
    return scope


REGION_RESOURCE = [{'type': 'AWS::Region', 'identifier': 'us-east-1'}]
ZONE_RESOURCE = [{'type': 'AWS::AvailabilityZone', 'identifier': 'use1-az1'}]


def scope_story(client):
    """Returns the scope's id and ARN."""
    # Every member of the request that AWS documents.
    request = {
        'targets': [
            {
                'targetIdentifier': {
                    'targetId': {'accountId': ACCOUNT},
                    'targetType': 'ACCOUNT',
                },
                'region': 'us-east-1',
            },
        ],
        'clientToken': str(uuid.uuid4()),
        'tags': {'stack': 'Production'},
    }
    made = client.create_scope(**request)
    scope_id, arn = made['scopeId'], made['scopeArn']
    check('create_scope answers 200', made['ResponseMetadata']['HTTPStatusCode'] == 200)
    check('create_scope answers IN_PROGRESS', made['status'] == 'IN_PROGRESS')
    check('create_scope answers the tags', made['tags'] == {'stack': 'Production'})
    check(
        'a scope ARN has Region, account and id',
        arn == f'arn:aws:networkflowmonitor:us-east-1:{ACCOUNT}:scope/{scope_id}',
    )
    again = client.create_scope(**request)
    check('the same clientToken makes no second scope', again['scopeId'] == scope_id)
    refused('ConflictException', client, 'create_scope', {**request, 'tags': {}})
    without_token = refused('ConflictException', client, 'create_scope', {'targets': request['targets']})
    check('a second scope is refused, naming the first', scope_id in without_token['Error']['Message'])
    until(lambda: client.get_scope(scopeId=scope_id)['status'], 'SUCCEEDED', ['IN_PROGRESS'])
    scope = client.get_scope(scopeId=scope_id)
    check('get_scope answers the targets', scope['targets'] == request['targets'])
    check('get_scope answers ARN and tags', (scope['scopeArn'], scope['tags']) == (arn, request['tags']))
    pages = list(client.get_paginator('list_scopes').paginate(PaginationConfig={'PageSize': 1}))
    summary = {'scopeId': scope_id, 'status': 'SUCCEEDED', 'scopeArn': arn}
    check('list_scopes pages to the end', [page['scopes'] for page in pages] == [[summary]])
    client.update_scope(scopeId=scope_id, resourcesToAdd=[target(region='eu-west-1')])
    until(lambda: client.get_scope(scopeId=scope_id)['status'], 'SUCCEEDED', ['IN_PROGRESS'])
    client.update_scope(scopeId=scope_id, resourcesToDelete=[target(region='eu-west-1')])
    until(lambda: client.get_scope(scopeId=scope_id)['status'], 'SUCCEEDED', ['IN_PROGRESS'])
    targets = client.get_scope(scopeId=scope_id)['targets']
    check('update_scope adds and deletes targets', targets == request['targets'])
    return scope_id, arn


def monitor_story(client, scope_arn):
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=1)
    made = client.create_monitor(
        monitorName='demo',
        localResources=REGION_RESOURCE,
        remoteResources=[],
        scopeArn=scope_arn,
        clientToken=str(uuid.uuid4()),
        tags={'stack': 'Production'},
    )
    check('create_monitor answers ACTIVE', made['monitorStatus'] == 'ACTIVE')
    check('no remote resources are an empty list', made['remoteResources'] == [])
    ended = datetime.datetime.now(datetime.timezone.utc)
    check('createdAt is a datetime of now', began < made['createdAt'] <= ended)
    check('modifiedAt is a datetime of now', began < made['modifiedAt'] <= ended)
    refused(
        'ConflictException',
        client,
        'create_monitor',
        {'monitorName': 'demo', 'localResources': ZONE_RESOURCE, 'scopeArn': scope_arn},
    )
    changed = client.update_monitor(monitorName='demo', remoteResourcesToAdd=ZONE_RESOURCE)
    check('update_monitor adds a remote resource', changed['remoteResources'] == ZONE_RESOURCE)
    check('update_monitor moves modifiedAt', changed['modifiedAt'] > changed['createdAt'])
    client.update_monitor(monitorName='demo', remoteResourcesToRemove=ZONE_RESOURCE)
    monitor = client.get_monitor(monitorName='demo')
    check('get_monitor answers the resources', monitor['localResources'] == REGION_RESOURCE)
    check('get_monitor has no scopeArn', 'scopeArn' not in monitor)


def quota_story(client, scope_arn):
    names = [f'm-{number:02}' for number in range(19)]
    for name in names:
        client.create_monitor(monitorName=name, localResources=ZONE_RESOURCE, scopeArn=scope_arn)
    refused(
        'ServiceQuotaExceededException',
        client,
        'create_monitor',
        {'monitorName': 'one-too-many', 'localResources': ZONE_RESOURCE, 'scopeArn': scope_arn},
    )
    pages = list(client.get_paginator('list_monitors').paginate(PaginationConfig={'PageSize': 7}))
    check('list_monitors pages by size', [len(page['monitors']) for page in pages] == [7, 7, 6])
    listed = [monitor['monitorName'] for page in pages for monitor in page['monitors']]
    check('list_monitors has each monitor once, by name', listed == ['demo', *names])
    active = client.list_monitors(monitorStatus='ACTIVE', maxResults=25)['monitors']
    check('list_monitors filters by status', len(active) == 20)
    check('no monitor is PENDING', client.list_monitors(monitorStatus='PENDING')['monitors'] == [])
    for name in names:
        client.delete_monitor(monitorName=name)
    check('a deleted monitor is gone', gone(client, 'get_monitor', {'monitorName': names[0]}))


def tag_story(client, arn):
    client.tag_resource(resourceArn=arn, tags={'cost centre': '7/ü', 'empty': ''})
    tags = client.list_tags_for_resource(resourceArn=arn)['tags']
    check(
        f'tags of a {arn.split(":")[5].split("/")[0]} are added to those there',
        tags == {'stack': 'Production', 'cost centre': '7/ü', 'empty': ''},
    )
    client.untag_resource(resourceArn=arn, tagKeys=['cost centre', 'stack', 'empty'])
    check('several tagKeys are removed at once', client.list_tags_for_resource(resourceArn=arn)['tags'] == {})


# The suffix of the operations of each kind of query, and the parameter that names its resource.
KINDS = {
    'monitor_top_contributors': 'monitorName',
    'workload_insights_top_contributors': 'scopeId',
    'workload_insights_top_contributors_data': 'scopeId',
}


def question(category='INTER_AZ'):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        'startTime': now - datetime.timedelta(minutes=30),
        'endTime': now + datetime.timedelta(minutes=5),
        'metricName': 'DATA_TRANSFERRED',
        'destinationCategory': category,
    }


def ask(client, kind, resource):
    """Runs a query until it has finished; returns the pages of its results, two rows each."""
    query_id = getattr(client, f'start_query_{kind}')(**resource, **question())['queryId']
    query = {**resource, 'queryId': query_id}
    status = getattr(client, f'get_query_status_{kind}')
    until(lambda: status(**query)['status'], 'SUCCEEDED', ['QUEUED', 'RUNNING'])
    pages = client.get_paginator(f'get_query_results_{kind}').paginate(
        **query, PaginationConfig={'PageSize': 2}
    )
    getattr(client, f'stop_query_{kind}')(**query)
    check(f'{kind}: stopping a finished query changes nothing', status(**query)['status'] == 'SUCCEEDED')
    return list(pages)


def rows_of(kind, pages):
    """Checks pages of two top contributors in descending order; returns their rows."""
    rows = [row for page in pages for row in page['topContributors']]
    check(f'{kind}: pages are full but for the last', all(len(p['topContributors']) == 2 for p in pages[:-1]))
    check(f'{kind}: there are several pages', len(pages) > 1)
    values = [row['value'] for row in rows]
    check(f'{kind}: rows come most first', values == sorted(values, reverse=True) and values[-1] > 0)
    check(f'{kind}: no row comes twice', len({repr(sorted(row.items())) for row in rows}) == len(rows))
    check(f'{kind}: no member is empty', '' not in [value for row in rows for value in row.values()])
    return rows


def query_story(client, scope_id):
    pages = ask(client, 'monitor_top_contributors', {'monitorName': 'demo'})
    rows = rows_of('monitor', pages)
    check('monitor: the unit is Bytes', {page['unit'] for page in pages} == {'Bytes'})
    first = rows[0]
    check('monitor: the category is the one asked for', first['destinationCategory'] == 'INTER_AZ')
    check('monitor: both ends are identified', first['localAz'] != first['remoteAz'])
    check(
        'monitor: ids have the forms of AWS',
        first['localInstanceId'].startswith('i-')
        and first['localSubnetId'].startswith('subnet-')
        and first['remoteVpcId'].startswith('vpc-'),
    )
    check('monitor: the port is a number', isinstance(first['targetPort'], int))

    pages = ask(client, 'workload_insights_top_contributors', {'scopeId': scope_id})
    rows = rows_of('insights', pages)
    check('insights: rows are the account of the scope', {row['accountId'] for row in rows} == {ACCOUNT})
    check(
        'insights: the remote is a subnet by its ARN',
        all(row['remoteIdentifier'].startswith('arn:aws:ec2:us-east-1:') for row in rows),
    )

    pages = ask(client, 'workload_insights_top_contributors_data', {'scopeId': scope_id})
    series = [one for page in pages for one in page['datapoints']]
    labels = sorted(one['label'] for one in series)
    check('data: one series a zone', labels == ['use1-az1', 'use1-az2', 'use1-az3'])
    check('data: the unit is Bytes', {page['unit'] for page in pages} == {'Bytes'})
    stamps = [stamp for one in series for stamp in one['timestamps']]
    check('data: timestamps are datetimes', all(isinstance(s, datetime.datetime) for s in stamps))
    check('data: as many values as timestamps', all(len(s['values']) == len(s['timestamps']) for s in series))
    check(
        'the series, the insights and the monitor add up to the same',
        sum(value for one in series for value in one['values']) == sum(row['value'] for row in rows),
    )


def throttling_story(client, scope_id):
    """Starts more queries at once than the server allows an account (2)."""
    for kind, member in KINDS.items():
        resource = {member: 'demo' if member == 'monitorName' else scope_id}
        seen = threading.Event()

        def start_many(kind=kind, resource=resource, seen=seen):
            for _ in range(200):
                if seen.is_set():
                    return
                try:
                    getattr(client, f'start_query_{kind}')(**resource, **question())
                except client.exceptions.ThrottlingException as error:
                    metadata = error.response['ResponseMetadata']
                    if metadata['HTTPStatusCode'] == 429 and 'retry-after' in metadata['HTTPHeaders']:
                        seen.set()

        threads = [threading.Thread(target=start_many) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(f'{kind}: too many queries at once are throttled, with Retry-After', seen.is_set())


def samples(scope_id):
    """Parameters that pass the client's own validation, by operation."""
    arn = f'arn:aws:networkflowmonitor:us-east-1:{ACCOUNT}:monitor/nobody'
    common = {
        'create_monitor': {'monitorName': 'x', 'localResources': ZONE_RESOURCE, 'scopeArn': arn},
        'create_scope': {'targets': [target()]},
        'delete_monitor': {'monitorName': 'nobody'},
        'delete_scope': {'scopeId': 'nobody'},
        'get_monitor': {'monitorName': 'nobody'},
        'get_scope': {'scopeId': 'nobody'},
        'list_monitors': {},
        'list_scopes': {},
        'list_tags_for_resource': {'resourceArn': arn},
        'tag_resource': {'resourceArn': arn, 'tags': {'a': 'b'}},
        'untag_resource': {'resourceArn': arn, 'tagKeys': ['a']},
        'update_monitor': {'monitorName': 'nobody'},
        'update_scope': {'scopeId': 'nobody'},
    }
    for kind, member in KINDS.items():
        resource = {member: 'demo' if member == 'monitorName' else scope_id}
        query = {**resource, 'queryId': 'nobody'}
        common[f'start_query_{kind}'] = {**resource, **question()}
        common[f'get_query_status_{kind}'] = query
        common[f'get_query_results_{kind}'] = query
        common[f'stop_query_{kind}'] = query
    return common


def error_story(client, agent, scope_id):
    parameters = samples(scope_id)
    for operation, sample in parameters.items():
        refused('AccessDeniedException', agent, operation, sample)
    check('a key of an agent may call none of the operations', len(parameters) == 25)
    for operation in ['delete_monitor', 'delete_scope', 'get_monitor', 'get_scope', 'update_monitor',
                      'update_scope', 'list_tags_for_resource', 'tag_resource', 'untag_resource',
                      *(f'get_query_results_{kind}' for kind in KINDS)]:
        refused('ResourceNotFoundException', client, operation, parameters[operation])
    stranger = parameters['list_tags_for_resource']['resourceArn'].replace(ACCOUNT, OTHER_ACCOUNT)
    refused('AccessDeniedException', client, 'list_tags_for_resource', {'resourceArn': stranger})
    foreign = {'scopeId': scope_id, 'resourcesToAdd': [target(OTHER_ACCOUNT)]}
    refused('AccessDeniedException', client, 'update_scope', foreign)
    refused('ConflictException', client, 'delete_scope', {'scopeId': scope_id})
    invalid_story(client, parameters, scope_id)


def invalid_story(client, parameters, scope_id):
    arn = f'arn:aws:s3:::{"x" * 20}'
    backwards = {'startTime': question()['endTime'], 'endTime': question()['startTime']}
    invalid = {
        'create_monitor': parameters['create_monitor'],
        'create_scope': {'targets': [target(region='no region')]},
        'delete_monitor': {'monitorName': 'a b'},
        'delete_scope': {'scopeId': 'a\0b'},
        'get_monitor': {'monitorName': 'a/b'},
        'get_scope': {'scopeId': 'a\0b'},
        'list_monitors': {'maxResults': 26},
        'list_scopes': {'nextToken': 'made up'},
        'list_tags_for_resource': {'resourceArn': arn},
        'tag_resource': {'resourceArn': arn, 'tags': {'a': 'b'}},
        'untag_resource': {'resourceArn': arn, 'tagKeys': ['a']},
        'update_monitor': {'monitorName': 'demo', 'localResourcesToRemove': REGION_RESOURCE},
        'update_scope': {'scopeId': scope_id, 'resourcesToDelete': [target()]},
    }
    for kind in KINDS:
        invalid[f'start_query_{kind}'] = {**parameters[f'start_query_{kind}'], **backwards}
        invalid[f'get_query_status_{kind}'] = parameters[f'get_query_status_{kind}']
        invalid[f'stop_query_{kind}'] = parameters[f'stop_query_{kind}']
        results = parameters[f'get_query_results_{kind}']
        invalid[f'get_query_results_{kind}'] = {**results, 'maxResults': 501}
    for operation, sample in invalid.items():
        refused('ValidationException', client, operation, sample)
    check('each operation refuses what is invalid', len(invalid) == 25)


def targets_story(client):
    """Creates a scope with the maximum number of targets, in another Region."""
    scope_id = make_scope(client, [target(region=f'region-{n}') for n in range(100)])['scopeId']
    more = {'scopeId': scope_id, 'resourcesToAdd': [target(region='one-more')]}
    refused('ServiceQuotaExceededException', client, 'update_scope', more)
    check('a scope has at most 100 targets', len(client.get_scope(scopeId=scope_id)['targets']) == 100)
    client.delete_scope(scopeId=scope_id)
    check('the scope of the other Region is gone', gone(client, 'get_scope', {'scopeId': scope_id}))


def end_story(client, scope_id):
    client.delete_monitor(monitorName='demo')
    client.delete_scope(scopeId=scope_id)
    check('a deleted scope is gone', gone(client, 'get_scope', {'scopeId': scope_id}))
    check('no scope is listed any more', client.list_scopes()['scopes'] == [])
    again = make_scope(client, [target()])['scopeId']
    check('a new scope may follow a deleted one', again != scope_id)
    stranger = boto3.Session(aws_access_key_id='AKIANOBODY', aws_secret_access_key='x', region_name='us-east-1')
    nobody = stranger.client('networkflowmonitor', endpoint_url=os.environ['NFM_ENDPOINT'], config=ONE_TRY)
    try:
        nobody.list_scopes()
    except ClientError as error:
        check('an unknown key is refused', error.response['Error']['Code'] == 'UnrecognizedClientException')


def main():
    client = make_client()
    scope_id, scope_arn = scope_story(client)
    monitor_story(client, scope_arn)
    quota_story(client, scope_arn)
    tag_story(client, scope_arn)
    tag_story(client, client.get_monitor(monitorName='demo')['monitorArn'])
    query_story(client, scope_id)
    throttling_story(client, scope_id)
    error_story(client, make_client(profile='agent'), scope_id)
    targets_story(make_client(region='eu-west-1'))
    end_story(client, scope_id)
    for operation, outcome in sorted(exchanges):
        print('exchange', operation, outcome)


main()
