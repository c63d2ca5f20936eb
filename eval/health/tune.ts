import { CLOUD } from '../sim/cloud-parameters.ts';
import { FAT_TREE } from '../sim/fabric-simulator.ts';
import { NETWORK_CLASSES, OTHER_CLASSES } from '../sim/fault-classes.ts';
import { type Case, cloudCases } from './cloud-cases.ts';
import { fabricCases } from './fabric-cases.ts';
import { contestant, judgeAll } from './judge.ts';
import { METHODS, type Method } from './methods.ts';
import { f1, precision, recall } from './score.ts';

/** Seeds of the topologies and faults for tuning; the tables use other seeds. */
export const TRAINING_SEEDS = [1, 2, 3];
const ROUNDS = 2;

/** Prints the best parameters of each published method, by F1 on the training networks. */
export function printTuning(): void {
  const windowsPerClass = Object.fromEntries([
    ...NETWORK_CLASSES.map((name) => [name, 4]),
    ...OTHER_CLASSES.filter((name) => name !== 'security group').map((name) => [name, 2]),
  ]);
  const cloud = TRAINING_SEEDS.map((seed) => [
    ...cloudCases({ parameters: CLOUD, seed, history: 20, windowsPerClass }),
  ]);
  tuneAll('S1', cloud);
  const rows = [1, 4, 8].map((count) => ({ kind: 'link', count, range: [0.002, 0.02] }) as const);
  const fabric = TRAINING_SEEDS.map((seed) => [
    ...fabricCases({ parameters: FAT_TREE, seed, history: 3, rows, windows: 2 }),
  ]);
  tuneAll('S2', fabric);
}

type Networks = readonly (readonly Case[])[];

function tuneAll(title: string, networks: Networks): void {
  for (const [name, method] of Object.entries(METHODS)) {
    const start = title === 'S1' ? method.tuned.cloud : method.tuned.fabric;
    // `Method<P>` pairs each method with its own type of parameters.
    const { parameters, text } = tune(method as Method<object>, start, networks);
    console.log(`${title} ${name}: ${JSON.stringify(parameters)} ${text}`);
  }
}

/** Varies one parameter after the other with the others fixed, in two rounds. */
function tune<P extends object>({ make, grid }: Method<P>, start: P, networks: Networks) {
  const tried = new Map<string, { parameters: P; f1: number; text: string }>();
  const result = (parameters: P) => {
    const key = JSON.stringify(parameters);
    const known = tried.get(key);
    if (known !== undefined) return known;
    const entry = contestant(() => make(parameters));
    for (const cases of networks) judgeAll(cases, [entry]);
    const all = entry.score.total();
    const text = `P ${precision(all)?.toFixed(3)} R ${recall(all)?.toFixed(3)} F1 ${f1(all).toFixed(3)}`;
    const made = { parameters, f1: f1(all), text };
    tried.set(key, made);
    return made;
  };
  let best = result(start);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const key of Object.keys(grid) as (keyof P)[]) {
      for (const value of grid[key]) {
        const next = result({ ...best.parameters, [key]: value });
        if (next.f1 > best.f1) best = next;
      }
    }
  }
  return best;
}
