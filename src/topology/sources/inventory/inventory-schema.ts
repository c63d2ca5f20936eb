/** JSON Schema of an inventory; published as docs/reference/inventory.schema.json. */
export const INVENTORY_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Inventory of Network Flow Monitor',
  description:
    'Networks that no API describes: data centres, offices, other clouds. Parts refer to each other by name. An id that is not given is derived from names.',
  type: 'object',
  additionalProperties: false,
  properties: {
    account: { $ref: '#/$defs/account' },
    region: { $ref: '#/$defs/region' },
    zones: {
      description: 'If given, subnets may name only these zones.',
      type: 'array',
      maxItems: 1000,
      items: { $ref: '#/$defs/zone' },
    },
    networks: { type: 'array', maxItems: 10_000, items: { $ref: '#/$defs/network' } },
    links: { type: 'array', maxItems: 10_000, items: { $ref: '#/$defs/link' } },
    services: { type: 'array', maxItems: 10_000, items: { $ref: '#/$defs/service' } },
  },
  $defs: {
    account: {
      description: 'an account of 12 digits',
      type: 'string',
      pattern: '^[0-9]{12}$',
    },
    region: {
      description: 'a Region of 1 to 64 letters, digits, dots, dashes or underscores',
      type: 'string',
      pattern: '^[A-Za-z0-9_.-]{1,64}$',
    },
    name: { description: 'a name', type: 'string', minLength: 1, maxLength: 128 },
    zoneId: {
      description: 'a zone id, such as use1-az1',
      type: 'string',
      minLength: 1,
      maxLength: 64,
    },
    prefix: {
      description: 'a prefix, such as 10.0.1.0/24 or 2001:db8::/64',
      type: 'string',
      pattern: '^[0-9A-Fa-f:.]+/[0-9]{1,3}$',
    },
    prefixes: {
      type: 'array',
      minItems: 1,
      maxItems: 1000,
      items: { $ref: '#/$defs/prefix' },
    },
    address: {
      description: 'an address, such as 10.0.1.7 or 2001:db8::7',
      type: 'string',
      pattern: '^[0-9A-Fa-f:.]+$',
    },
    addresses: {
      type: 'array',
      minItems: 1,
      maxItems: 1000,
      items: { $ref: '#/$defs/address' },
    },
    tags: {
      type: 'object',
      maxProperties: 50,
      additionalProperties: { type: 'string', maxLength: 256 },
    },
    zone: {
      type: 'object',
      additionalProperties: false,
      required: ['id'],
      properties: {
        id: { $ref: '#/$defs/zoneId' },
        name: { $ref: '#/$defs/name' },
        type: {
          description: 'A local zone is located apart from its Region.',
          enum: ['availability', 'local'],
          default: 'availability',
        },
      },
    },
    network: {
      description: 'A network with an address space of its own.',
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: {
        name: {
          $ref: '#/$defs/name',
          description: 'The name that its agents get with --network.',
        },
        id: {
          type: 'string',
          description: 'an id, such as vpc-0f1e2d3c',
          pattern: '^vpc-[A-Za-z0-9]{8,32}$',
        },
        account: { $ref: '#/$defs/account' },
        region: { $ref: '#/$defs/region' },
        prefixes: { $ref: '#/$defs/prefixes' },
        sharedWith: {
          description: 'Other accounts whose hosts may be in the network.',
          type: 'array',
          maxItems: 1000,
          items: { $ref: '#/$defs/account' },
        },
        tags: { $ref: '#/$defs/tags' },
        subnets: { type: 'array', maxItems: 10_000, items: { $ref: '#/$defs/subnet' } },
        hosts: { type: 'array', maxItems: 100_000, items: { $ref: '#/$defs/host' } },
        internetGateway: { $ref: '#/$defs/name' },
        natGateways: { type: 'array', maxItems: 1000, items: { $ref: '#/$defs/natGateway' } },
        routes: {
          description: 'Apply to subnets without routes of their own.',
          $ref: '#/$defs/routes',
        },
      },
    },
    subnet: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'prefixes'],
      properties: {
        name: { $ref: '#/$defs/name' },
        id: {
          type: 'string',
          description: 'an id, such as subnet-0f1e2d3c',
          pattern: '^subnet-[A-Za-z0-9]{8,32}$',
        },
        prefixes: { $ref: '#/$defs/prefixes' },
        zone: { $ref: '#/$defs/zoneId' },
        tags: { $ref: '#/$defs/tags' },
        routes: { $ref: '#/$defs/routes' },
      },
    },
    host: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'addresses'],
      properties: {
        name: {
          $ref: '#/$defs/name',
          description: 'The name that its agent gets with --instance-id.',
        },
        id: {
          type: 'string',
          description: 'an id, such as i-0f1e2d3c',
          pattern: '^i-[A-Za-z0-9]{8,32}$',
        },
        addresses: { $ref: '#/$defs/addresses' },
        publicAddresses: { $ref: '#/$defs/addresses' },
        image: {
          $ref: '#/$defs/name',
          description:
            'The image it runs. Health uses it to distinguish a bad image from a bad network.',
        },
        instanceType: { $ref: '#/$defs/name', description: 'The type of machine.' },
        nodePool: {
          $ref: '#/$defs/name',
          description: 'The group of equal hosts that it belongs to.',
        },
        tags: { $ref: '#/$defs/tags' },
      },
    },
    natGateway: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'subnet', 'addresses'],
      properties: {
        name: { $ref: '#/$defs/name' },
        subnet: { $ref: '#/$defs/name', description: 'The name of its subnet.' },
        addresses: { $ref: '#/$defs/addresses' },
        publicAddresses: { $ref: '#/$defs/addresses' },
      },
    },
    routes: { type: 'array', maxItems: 1000, items: { $ref: '#/$defs/route' } },
    route: {
      type: 'object',
      additionalProperties: false,
      required: ['to', 'via'],
      properties: {
        to: { $ref: '#/$defs/prefix' },
        via: {
          $ref: '#/$defs/name',
          description: 'The name of a gateway of the network or of a link, or "blackhole".',
        },
      },
    },
    link: {
      description: 'Joins networks. Each gets routes to the prefixes of the others.',
      type: 'object',
      additionalProperties: false,
      required: ['name', 'kind', 'networks'],
      properties: {
        name: { $ref: '#/$defs/name' },
        kind: { enum: ['peering', 'transit'] },
        networks: {
          description: 'A peering joins exactly two.',
          type: 'array',
          minItems: 2,
          maxItems: 1000,
          items: { $ref: '#/$defs/name' },
        },
      },
    },
    service: {
      description: 'Names prefixes. S3 and DYNAMODB stand for those services of AWS.',
      type: 'object',
      additionalProperties: false,
      required: ['name', 'prefixes'],
      properties: {
        name: { $ref: '#/$defs/name' },
        region: { $ref: '#/$defs/region' },
        prefixes: { $ref: '#/$defs/prefixes' },
      },
    },
  },
} as const;

/** A document that conforms to INVENTORY_SCHEMA. */
export interface Inventory {
  readonly account?: string;
  readonly region?: string;
  readonly zones?: readonly InventoryZone[];
  readonly networks?: readonly InventoryNetwork[];
  readonly links?: readonly InventoryLink[];
  readonly services?: readonly InventoryService[];
}

export interface InventoryZone {
  readonly id: string;
  readonly name?: string;
  readonly type?: 'availability' | 'local';
}

export interface InventoryNetwork {
  readonly name: string;
  readonly id?: string;
  readonly account?: string;
  readonly sharedWith?: readonly string[];
  readonly region?: string;
  readonly prefixes?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly subnets?: readonly InventorySubnet[];
  readonly hosts?: readonly InventoryHost[];
  readonly internetGateway?: string;
  readonly natGateways?: readonly InventoryNatGateway[];
  readonly routes?: readonly InventoryRoute[];
}

export interface InventorySubnet {
  readonly name: string;
  readonly id?: string;
  readonly prefixes: readonly string[];
  readonly zone?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly routes?: readonly InventoryRoute[];
}

export interface InventoryHost {
  readonly name: string;
  readonly id?: string;
  readonly addresses: readonly string[];
  readonly publicAddresses?: readonly string[];
  readonly image?: string;
  readonly instanceType?: string;
  readonly nodePool?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface InventoryNatGateway {
  readonly name: string;
  readonly subnet: string;
  readonly addresses: readonly string[];
  readonly publicAddresses?: readonly string[];
}

export interface InventoryRoute {
  readonly to: string;
  readonly via: string;
}

export interface InventoryLink {
  readonly name: string;
  readonly kind: 'peering' | 'transit';
  readonly networks: readonly string[];
}

export interface InventoryService {
  readonly name: string;
  readonly region?: string;
  readonly prefixes: readonly string[];
}
