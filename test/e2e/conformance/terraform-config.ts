/** A block of a configuration: `type "label" "label" { name = value … block … }`. */
export interface TerraformBlock {
  readonly type: string;
  readonly labels: readonly string[];
  readonly values: Readonly<Record<string, TerraformValue>>;
  readonly blocks: readonly TerraformBlock[];
}

export type TerraformValue =
  | string
  | boolean
  | Reference
  | Readonly<{ map: Readonly<Record<string, TerraformValue>> }>;

/** An expression that names another value, such as `var.region`. */
export interface Reference {
  readonly reference: string;
}

const TOKENS = /"[^"]*"|[\w.-]+|[{}=]|\n/g;
const COMMENT = /^\s*#.*$/gm;

/**
 * Reads the subset of Terraform's language that the examples use: blocks, strings without
 * templates, booleans, references and maps.
 */
export function readTerraform(text: string): readonly TerraformBlock[] {
  return new TerraformReader(text).readFile();
}

class TerraformReader {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#tokens = text.replace(COMMENT, '').match(TOKENS) ?? [];
  }

  readFile(): readonly TerraformBlock[] {
    const blocks: TerraformBlock[] = [];
    while (this.#skipLines() !== undefined) blocks.push(this.#readBlock(this.#take()));
    return blocks;
  }

  #readBlock(type: string): TerraformBlock {
    const labels: string[] = [];
    while (this.#peek() !== '{') labels.push(unquoted(this.#take()));
    this.#take();
    const values: Record<string, TerraformValue> = {};
    const blocks: TerraformBlock[] = [];
    while (this.#skipLines() !== '}') {
      const name = this.#take();
      if (this.#peek() === '=') values[name] = this.#readValue();
      else blocks.push(this.#readBlock(name));
    }
    this.#take();
    return { type, labels, values, blocks };
  }

  /** Reads `= value`. */
  #readValue(): TerraformValue {
    this.#take();
    const token = this.#take();
    if (token === '{') return { map: this.#readMap() };
    if (token.startsWith('"')) return unquoted(token);
    return token === 'true' || token === 'false' ? token === 'true' : { reference: token };
  }

  #readMap(): Readonly<Record<string, TerraformValue>> {
    const map: Record<string, TerraformValue> = {};
    while (this.#skipLines() !== '}') map[unquoted(this.#take())] = this.#readValue();
    this.#take();
    return map;
  }

  #skipLines(): string | undefined {
    while (this.#peek() === '\n') this.#next += 1;
    return this.#peek();
  }

  #peek(): string | undefined {
    return this.#tokens[this.#next];
  }

  #take(): string {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw new Error('the configuration ends within a block');
    this.#next += 1;
    return token;
  }
}

function unquoted(token: string): string {
  return token.startsWith('"') ? token.slice(1, -1) : token;
}
