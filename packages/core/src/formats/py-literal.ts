/** What a Python literal in an .npy header may be: dict, tuple or list, string, int, bool, None. */
export type PyValue = string | bigint | boolean | null | PyValue[] | Map<string, PyValue>;

const TOKEN =
  /\s*(?:([{}()[\],:])|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?\d{1,40})L?|(True|False|None))\s*/y;
const MAX_DEPTH = 16;

type Token = { mark: string } | { value: PyValue };

/**
 * Parses the literal an .npy header holds, and nothing more of Python.
 * @returns undefined when the text is anything else
 */
export function parsePyLiteral(text: string): PyValue | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  const parser = new Parser(tokens);
  const value = parser.value(0);
  return parser.atEnd() ? value : undefined;
}

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) return undefined;
    const [, mark, single, double, digits, word] = match;
    const string = single ?? double;
    if (mark !== undefined) tokens.push({ mark });
    else if (string !== undefined) tokens.push({ value: string });
    else if (digits !== undefined) tokens.push({ value: BigInt(digits) });
    else tokens.push({ value: word === 'None' ? null : word === 'True' });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  atEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  value(depth: number): PyValue | undefined {
    const token = this.#tokens[this.#at++];
    if (token === undefined || depth > MAX_DEPTH) return undefined;
    if ('value' in token) return token.value;
    if (token.mark === '{') return this.#dict(depth);
    if (token.mark === '(') return this.#sequence(')', depth);
    if (token.mark === '[') return this.#sequence(']', depth);
    return undefined;
  }

  #sequence(close: string, depth: number): PyValue[] | undefined {
    const items: PyValue[] = [];
    while (!this.#take(close)) {
      if (items.length > 0 && !this.#take(',')) return undefined;
      if (items.length > 0 && this.#take(close)) break;
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
    return items;
  }

  #dict(depth: number): Map<string, PyValue> | undefined {
    const entries = new Map<string, PyValue>();
    while (!this.#take('}')) {
      if (entries.size > 0 && !this.#take(',')) return undefined;
      if (entries.size > 0 && this.#take('}')) break;
      const key = this.value(depth + 1);
      if (typeof key !== 'string' || entries.has(key) || !this.#take(':')) return undefined;
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      entries.set(key, item);
    }
    return entries;
  }

  #take(mark: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || !('mark' in token) || token.mark !== mark) return false;
    this.#at++;
    return true;
  }
}
