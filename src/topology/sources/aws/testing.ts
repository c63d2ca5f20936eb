import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, vi } from 'vitest';
import type { Resource } from '../../graph/resource.ts';
import { HttpStandIn } from '../testing.ts';
import { readTarget } from './read-target.ts';

/** The account and Region that tests read. */
export const TARGET = { account: '111111111111', region: 'us-east-1' };

/** An access key of the server's own account, 000000000000. */
export const SERVER_KEY_ID = 'ASIA000000000000';

/** The content of an element of a response, with the names of the EC2 API reference. */
export type XmlValue = string | number | boolean | readonly XmlValue[] | XmlElement;
export interface XmlElement {
  readonly [name: string]: XmlValue;
}

/** A request to the stand-in. */
export interface Ec2Request {
  readonly account: string;
  readonly region: string;
  readonly action: string;
  readonly parameters: URLSearchParams;
}

export interface Ec2Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** Leaves a request open for ever. */
export const SILENCE = 'silence';

export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** EC2's response to too many requests, which the SDK retries. */
export const REQUEST_LIMIT_EXCEEDED: Ec2Failure = {
  status: 503,
  code: 'RequestLimitExceeded',
  message: 'Request limit exceeded.',
};

export const UNAUTHORIZED_OPERATION: Ec2Failure = {
  status: 403,
  code: 'UnauthorizedOperation',
  message: 'You are not authorized to perform this operation.',
};

/** The element with the items of an action, and the parameter that selects among them. */
const ANSWERS: Readonly<Record<string, readonly [set: string, keyedBy?: string]>> = {
  DescribeAvailabilityZones: ['availabilityZoneInfo'],
  DescribeVpcs: ['vpcSet'],
  DescribeSubnets: ['subnetSet'],
  DescribeInstances: ['reservationSet'],
  DescribeNetworkInterfaces: ['networkInterfaceSet'],
  DescribeRouteTables: ['routeTableSet'],
  DescribeVpcPeeringConnections: ['vpcPeeringConnectionSet'],
  DescribeTransitGateways: ['transitGatewaySet'],
  DescribeTransitGatewayAttachments: ['transitGatewayAttachments'],
  DescribeTransitGatewayVpcAttachments: ['transitGatewayVpcAttachments'],
  DescribeTransitGatewayRouteTables: ['transitGatewayRouteTables'],
  DescribeTransitGatewayPeeringAttachments: ['transitGatewayPeeringAttachments'],
  SearchTransitGatewayRoutes: ['routeSet', 'TransitGatewayRouteTableId'],
  DescribeNatGateways: ['natGatewaySet'],
  DescribeInternetGateways: ['internetGatewaySet'],
  DescribeEgressOnlyInternetGateways: ['egressOnlyInternetGatewaySet'],
  DescribeVpcEndpoints: ['vpcEndpointSet'],
  GetManagedPrefixListEntries: ['entrySet', 'PrefixListId'],
};

/**
 * A stand-in for EC2 and STS over real HTTP, with their query protocol: form-encoded requests, XML
 * responses, `nextToken` paging and AWS's errors. AssumeRole returns keys that contain the account
 * of the role. Later calls are assigned to an account by these keys, and to a Region by their
 * credential scope.
 */
export class Ec2StandIn {
  readonly requests: Ec2Request[] = [];
  /** A failure to respond with, a body as it is, or silence; undefined for the normal response. */
  fail: (request: Ec2Request) => Ec2Failure | RawAnswer | typeof SILENCE | undefined = () =>
    undefined;
  /** The largest page, whatever size a request asks for. */
  pageSize = 1000;
  readonly #worlds = new Map<string, readonly XmlValue[]>();
  readonly #roles = new Set<string>();
  readonly #http = new HttpStandIn(async (request, response) => {
    const answer = await this.#answer(request);
    if (answer === SILENCE) return;
    const { status, body } = answer;
    response.writeHead(status, { 'content-type': 'text/xml;charset=UTF-8' }).end(body);
  });

  /** Lets callers assume a role, e.g. `arn:aws:iam::111111111111:role/nfm`. */
  allowRole(arn: string): void {
    this.#roles.add(arn);
  }

  /**
   * Sets the items of actions in an account and Region; `key` selects them where an action has one.
   */
  set(where: Readonly<{ account: string; region: string; key?: string }>, items: Items): void {
    for (const [action, values] of Object.entries(items)) {
      this.#worlds.set(worldKey({ ...where, action }), values);
    }
  }

  /** Resets everything but the port. Callers may assume the role `nfm` of TARGET. */
  clear(): void {
    this.requests.length = 0;
    this.fail = () => undefined;
    this.pageSize = 1000;
    this.#worlds.clear();
    this.#roles.clear();
    this.allowRole(`arn:aws:iam::${TARGET.account}:role/nfm`);
  }

  start(): Promise<void> {
    return this.#http.start();
  }

  stop(): Promise<void> {
    return this.#http.stop();
  }

  get connections(): number {
    return this.#http.connections;
  }

  get url(): string {
    return this.#http.url;
  }

  /** The number of requests for an action. */
  count(action: string): number {
    return this.requests.filter((request) => request.action === action).length;
  }

  async #answer(incoming: IncomingMessage): Promise<RawAnswer | typeof SILENCE> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const parameters = new URLSearchParams(Buffer.concat(chunks).toString());
    const scope = /Credential=(\w+)\/\d{8}\/([\w-]+)\/(\w+)\/aws4_request/;
    const [, keyId = '', region = '', service] =
      scope.exec(incoming.headers.authorization ?? '') ?? [];
    const action = parameters.get('Action') ?? '';
    const account = /^ASIA(\d{12})/.exec(keyId)?.[1] ?? '';
    const request = { account, region, action, parameters };
    this.requests.push(request);
    // Lets requests overlap, as they do over a network.
    await delay(1);
    const failure = this.fail(request);
    if (failure === SILENCE || (failure !== undefined && 'body' in failure)) return failure;
    if (failure !== undefined) return errorAnswer(failure);
    if (action === 'GetCallerIdentity') return stsAnswer(action, { Account: account });
    if (service === 'sts') return this.#assumeRole(parameters.get('RoleArn') ?? '');
    return this.#page(request);
  }

  #assumeRole(arn: string): { status: number; body: string } {
    const account = arn.split(':')[4] ?? '';
    if (!this.#roles.has(arn)) {
      const message = `User: arn:aws:iam::000000000000:user/nfm is not authorized to perform: sts:AssumeRole on resource: ${arn}`;
      return stsError({ status: 403, code: 'AccessDenied', message });
    }
    const credentials = {
      AccessKeyId: `ASIA${account}`,
      SecretAccessKey: 'secret',
      SessionToken: 'token',
      Expiration: '2099-01-01T00:00:00Z',
    };
    return stsAnswer('AssumeRole', { Credentials: credentials });
  }

  #page(request: Ec2Request): { status: number; body: string } {
    const { action, parameters } = request;
    const answer = ANSWERS[action];
    if (answer === undefined) {
      const message = `The action ${action} is not valid for this web service.`;
      return errorAnswer({ status: 400, code: 'InvalidAction', message });
    }
    const [set, keyedBy] = answer;
    const key = keyedBy === undefined ? undefined : (parameters.get(keyedBy) ?? '');
    const items =
      this.#worlds.get(worldKey({ ...request, ...(key !== undefined && { key }) })) ?? [];
    const from = Number(parameters.get('NextToken') ?? 0);
    const to =
      from + Math.min(this.pageSize, Number(parameters.get('MaxResults') ?? this.pageSize));
    const body = xmlOf({
      requestId: '00000000-0000-4000-8000-000000000000',
      [set]: items.slice(from, to),
      ...(to < items.length && { nextToken: String(to) }),
    });
    return {
      status: 200,
      body: `<${action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">${body}</${action}Response>`,
    };
  }
}

/**
 * A stand-in for the tests of a file, cleared before each. The SDK signs with the server's keys.
 */
export function ec2ForTests(): Ec2StandIn {
  const ec2 = new Ec2StandIn();
  beforeAll(async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', SERVER_KEY_ID);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    await ec2.start();
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await ec2.stop();
  });
  beforeEach(() => ec2.clear());
  return ec2;
}

/** Reads TARGET with these items; the result leaves out its account and Region resources. */
export async function readResources(ec2: Ec2StandIn, items: Items): Promise<readonly Resource[]> {
  ec2.set(TARGET, items);
  const access = { roleName: 'nfm', endpoint: ec2.url };
  const { resources } = await readTarget(TARGET, access, new AbortController().signal);
  return resources.filter(({ kind }) => kind !== 'account' && kind !== 'region');
}

export type Items = Readonly<Record<string, readonly XmlValue[]>>;

function worldKey(where: {
  readonly account: string;
  readonly region: string;
  readonly action: string;
  readonly key?: string;
}): string {
  return [where.account, where.region, where.action, where.key ?? ''].join('/');
}

function errorAnswer({ status, code, message }: Ec2Failure) {
  const error = xmlOf({ Errors: { Error: { Code: code, Message: message } } });
  return { status, body: `<Response>${error}<RequestID>r-1</RequestID></Response>` };
}

function stsAnswer(action: string, result: XmlElement) {
  const xmlns = 'https://sts.amazonaws.com/doc/2011-06-15/';
  const body = xmlOf({ [`${action}Result`]: result });
  return { status: 200, body: `<${action}Response xmlns="${xmlns}">${body}</${action}Response>` };
}

function stsError({ status, code, message }: Ec2Failure) {
  const error = xmlOf({ Error: { Type: 'Sender', Code: code, Message: message } });
  return {
    status,
    body: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${error}<RequestId>r-1</RequestId></ErrorResponse>`,
  };
}

/** EC2's XML: a list is an element with one `item` for each member. */
function xmlOf(value: XmlValue): string {
  if (Array.isArray(value)) return value.map((item) => `<item>${xmlOf(item)}</item>`).join('');
  if (typeof value !== 'object') {
    return String(value).replaceAll(/[<>&]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  }
  return Object.entries(value)
    .map(([name, inner]) => `<${name}>${xmlOf(inner)}</${name}>`)
    .join('');
}
