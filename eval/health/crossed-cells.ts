import { cellsByConstruct, type SimNetwork } from '../sim/sim-network.ts';

/** Caches the result of `cellsByConstruct` for the network of the last call. */
export class CrossedCells {
  #network: SimNetwork | undefined;
  #cellsOf: readonly Uint32Array[] = [];

  of(network: SimNetwork): readonly Uint32Array[] {
    if (network !== this.#network) {
      this.#network = network;
      this.#cellsOf = cellsByConstruct(network);
    }
    return this.#cellsOf;
  }
}
