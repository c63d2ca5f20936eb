import { describe, expect, test } from 'vitest';
import { FAT_TREE, FabricSimulator, TWO_POD_CLOS } from './fabric-simulator.ts';
import { cellsByConstruct } from './sim-network.ts';

describe.each([
  { parameters: FAT_TREE, switches: 125, hosts: 250, links: 500 },
  { parameters: TWO_POD_CLOS, switches: 66, hosts: 1_600, links: 480 },
])('the $parameters.name', ({ parameters, switches, hosts, links }) => {
  const simulator = new FabricSimulator({ ...parameters, flows: 20_000 }, 1);
  const count = (kind: string) =>
    simulator.network.constructs.filter((construct) => construct.kind === kind).length;

  test('has the switches, hosts and links of the paper', () => {
    expect([count('switch'), count('host'), count('link')]).toEqual([switches, hosts, links]);
  });

  test('loses the requested share on a bad link and little elsewhere', () => {
    const [fault] = simulator.faults('link', 1, [0.1, 0.1]);
    const { segments, retrans } = simulator.next([fault!]);
    const through = new Set(cellsByConstruct(simulator.network)[fault!.construct]);
    const sums = { through: [0, 0], around: [0, 0] };
    segments.forEach((sent, cell) => {
      const sum = through.has(cell) ? sums.through : sums.around;
      sum[0]! += sent;
      sum[1]! += retrans[cell]!;
    });
    expect(sums.through[1]! / sums.through[0]!).toBeCloseTo(0.1, 1);
    expect(sums.around[1]! / sums.around[0]!).toBeLessThan(1e-3);
  });
});
