import type { EC2Client } from '@aws-sdk/client-ec2';
import { within } from '../../../lib/within.ts';
import type { ScopeTarget } from '../../../model/scope.ts';
import type { Resource, ResourceKind } from '../../graph/resource.ts';
import type { SliceContent } from '../slice-reader.ts';
import { type CallContext, callMillisOf } from './target-credentials.ts';
import { deniedMessage, isDenied, targetError } from './target-error.ts';

/** The reading of a larger target fails, because the graph keeps all resources in memory. */
const MAX_RESOURCES = 1_000_000;

/** Without these calls nothing has a place, so a denial fails the reading. */
const ESSENTIAL = new Set(['ec2:DescribeVpcs', 'ec2:DescribeSubnets']);

/** The kinds of resources that a denied call leaves unread; other calls add details only. */
const KINDS_OF_ACTION: Readonly<Record<string, readonly ResourceKind[]>> = {
  'ec2:DescribeAvailabilityZones': ['zone'],
  'ec2:DescribeInstances': ['instance'],
  'ec2:DescribeNetworkInterfaces': ['network-interface', 'load-balancer'],
  'ec2:DescribeVpcPeeringConnections': ['vpc-peering'],
  'ec2:DescribeNatGateways': ['nat-gateway'],
  'ec2:DescribeVpcEndpoints': ['vpc-endpoint'],
  'ec2:DescribeInternetGateways': ['internet-gateway'],
  'ec2:DescribeRouteTables': ['route-table'],
  'ec2:GetManagedPrefixListEntries': ['route-table'],
  'ec2:DescribeTransitGateways': ['transit-gateway'],
  'ec2:DescribeTransitGatewayAttachments': [
    'transit-gateway-attachment',
    'transit-gateway-route-table',
  ],
  'ec2:DescribeTransitGatewayVpcAttachments': ['transit-gateway-attachment'],
  'ec2:DescribeTransitGatewayPeeringAttachments': ['transit-gateway-peering'],
  'ec2:DescribeTransitGatewayRouteTables': ['transit-gateway-route-table'],
  'ec2:SearchTransitGatewayRoutes': ['transit-gateway-route-table'],
};

/** Emulators of EC2 refuse parameters that they do not know with one of these codes. */
const PARAMETER_REFUSED =
  /^(?:InvalidParameter\w*|UnknownParameter|UnsupportedOperation|NotImplemented\w*)$/;

/** The first argument of a paginator. */
export interface Paging {
  readonly client: EC2Client;
  readonly pageSize?: number;
}

/** The largest page of the calls that allow less than 1,000 items. */
const MAX_PAGE: Readonly<Record<string, number>> = {
  DescribeEgressOnlyInternetGateways: 255,
  DescribeRouteTables: 100,
  GetManagedPrefixListEntries: 100,
};

interface PageOfMany {
  readonly NextToken?: string | undefined;
}

/** The calls of a reading of one target, and the resources that they returned. */
export class Ec2Reading {
  readonly resources: Resource[] = [];
  readonly target: ScopeTarget;
  readonly client: EC2Client;
  readonly options: { readonly abortSignal: AbortSignal };
  readonly #context: CallContext;
  /** The denied actions, such as `ec2:DescribeNatGateways`. */
  readonly #denied = new Set<string>();

  constructor(target: ScopeTarget, client: EC2Client, context: CallContext) {
    this.target = target;
    this.client = client;
    this.#context = context;
    this.options = { abortSignal: context.signal };
  }

  add(...resources: readonly (Resource | undefined)[]): void {
    for (const resource of resources) if (resource !== undefined) this.resources.push(resource);
    if (this.resources.length > MAX_RESOURCES) {
      const { account, region } = this.target;
      throw new Error(`account ${account} (${region}) has more than ${MAX_RESOURCES} resources`);
    }
  }

  /** @throws Error with all denied actions if an essential one is among them */
  content(): SliceContent {
    const denied = [...this.#denied];
    if (denied.length === 0) return { resources: this.resources, warnings: [] };
    const message = deniedMessage(this.target, denied);
    if (denied.some((action) => ESSENTIAL.has(action))) throw new Error(message);
    const unread = new Set(denied.flatMap((action) => KINDS_OF_ACTION[action] ?? []));
    return {
      resources: this.resources.filter(({ kind }) => !unread.has(kind)),
      warnings: [`${message}; nfm topology policy prints what the role needs`],
      unreadKinds: [...unread],
    };
  }

  /**
   * Handles the pages of a call one by one. A denied call is noted. If the first page is refused
   * because of its size, which is optional, asks again without one. An error names the call.
   */
  async each<Page extends PageOfMany>(
    action: string,
    pagesOf: (paging: Paging) => AsyncIterator<Page>,
    take: (page: Page) => void,
  ): Promise<void> {
    const { client } = this;
    const pageSize = MAX_PAGE[action] ?? 1000;
    await this.attempt(action, async () => {
      let hasPage = false;
      const takeSized = (page: Page) => {
        hasPage = true;
        take(page);
      };
      try {
        await this.#takeAll(pagesOf({ client, pageSize }), takeSized);
      } catch (cause) {
        if (hasPage || !isParameterRefused(cause)) throw cause;
        await this.#takeAll(pagesOf({ client }), take);
      }
    });
  }

  /** Makes a call. A denied call is noted; another error names the call. */
  async attempt(action: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (cause) {
      if (!isDenied(cause)) throw targetError(this.target, `ec2:${action}`, cause);
      this.#denied.add(`ec2:${action}`);
    }
  }

  /** Waits for an answer until the deadline of a call. */
  answer<Value>(call: Promise<Value>): Promise<Value> {
    const { access, signal } = this.#context;
    return within(call, { millis: callMillisOf(access), signal });
  }

  async #takeAll<Page extends PageOfMany>(
    pages: AsyncIterator<Page>,
    take: (page: Page) => void,
  ): Promise<void> {
    const tokens = new Set<string>();
    for (;;) {
      const { done, value: page } = await this.answer(pages.next());
      if (done === true) return;
      const { NextToken: token = '' } = page;
      if (token !== '' && tokens.has(token)) throw new Error('the same page token came twice');
      tokens.add(token);
      take(page);
    }
  }
}

/** Whether an emulator of EC2 refused an optional parameter of the call. */
export function isParameterRefused(cause: unknown): boolean {
  return cause instanceof Error && PARAMETER_REFUSED.test(cause.name);
}
