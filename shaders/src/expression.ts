/**
 * Integer and string expressions of the shader preprocessor: a Pratt parser over a handful of operators.
 * Written by hand because `eval` is forbidden by the content security policy of many pages.
 */

export type Value = number | string;
export type Scope = ReadonlyMap<string, Value>;

function quotient(a: number, b: number): number {
  if (b === 0) throw new Error('division by zero');
  return a / b;
}

type Binary = readonly [precedence: number, apply: (a: number, b: number) => number | boolean];

/** Operators of two numbers; `==` and `!=` take texts too, and so does `+`. */
const BINARY: Readonly<Record<string, Binary>> = {
  '||': [2, (a, b) => a !== 0 || b !== 0],
  '&&': [3, (a, b) => a !== 0 && b !== 0],
  '==': [4, (a, b) => a === b],
  '!=': [4, (a, b) => a !== b],
  '<': [5, (a, b) => a < b],
  '<=': [5, (a, b) => a <= b],
  '>': [5, (a, b) => a > b],
  '>=': [5, (a, b) => a >= b],
  '+': [6, (a, b) => a + b],
  '-': [6, (a, b) => a - b],
  '*': [7, (a, b) => a * b],
  '/': [7, (a, b) => Math.trunc(quotient(a, b))],
  '%': [7, (a, b) => a - Math.trunc(quotient(a, b)) * b],
};

const TOKEN = /\s*(?:(\d+)|"([^"]*)"|([A-Za-z_]\w*)|(\|\||&&|==|!=|<=|>=|[?:<>+\-*/%!()[\],]))/y;

type Token = { readonly kind: 'number' | 'string' | 'name' | 'operator' | 'end'; readonly text: string };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const start = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (!match) throw new Error(`unexpected text "${text.slice(start)}"`);
    const [, number, string, name, operator] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'operator', text: operator ?? '' });
  }
  tokens.push({ kind: 'end', text: '' });
  return tokens;
}

function asNumber(value: Value, operator: string): number {
  if (typeof value !== 'number') throw new Error(`"${operator}" needs numbers, got "${value}"`);
  return value;
}

function binary(operator: string, [, apply]: Binary, left: Value, right: Value): Value {
  if (operator === '==') return left === right ? 1 : 0;
  if (operator === '!=') return left === right ? 0 : 1;
  if (operator === '+' && typeof left === 'string') return left + String(right);
  return Number(apply(asNumber(left, operator), asNumber(right, operator)));
}

class Parser {
  private position = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly scope: Scope,
  ) {}

  parse(): Value {
    const value = this.expression(0);
    if (this.peek().kind !== 'end') throw new Error(`unexpected "${this.peek().text}"`);
    return value;
  }

  private peek(): Token {
    return this.tokens[this.position] ?? { kind: 'end', text: '' };
  }

  private next(): Token {
    const token = this.peek();
    this.position += 1;
    return token;
  }

  private expect(text: string): void {
    const token = this.next();
    if (token.text !== text) throw new Error(`expected "${text}", got "${token.text}"`);
  }

  private expression(minimum: number): Value {
    let left = this.prefix();
    for (;;) {
      const { kind, text } = this.peek();
      if (kind !== 'operator') return left;
      if (text === '?' && minimum < 1) {
        this.next();
        const whenTrue = this.expression(0);
        this.expect(':');
        const whenFalse = this.expression(0);
        left = left === 0 || left === '' ? whenFalse : whenTrue;
        continue;
      }
      const known = BINARY[text];
      if (!known || known[0] <= minimum) return left;
      this.next();
      left = binary(text, known, left, this.expression(known[0]));
    }
  }

  private prefix(): Value {
    const token = this.next();
    if (token.kind === 'number') return Number(token.text);
    if (token.kind === 'string') return this.indexed(token.text);
    if (token.text === '(') {
      const value = this.expression(0);
      this.expect(')');
      return value;
    }
    if (token.text === '!') {
      const value = this.prefix();
      return value === 0 || value === '' ? 1 : 0;
    }
    if (token.text === '-') return -asNumber(this.prefix(), '-');
    if (token.kind !== 'name') throw new Error(`unexpected "${token.text || 'end of expression'}"`);
    if (token.text === 'min' || token.text === 'max') {
      this.expect('(');
      const a = asNumber(this.expression(0), token.text);
      this.expect(',');
      const b = asNumber(this.expression(0), token.text);
      this.expect(')');
      return token.text === 'min' ? Math.min(a, b) : Math.max(a, b);
    }
    const value = this.scope.get(token.text);
    if (value === undefined) throw new Error(`"${token.text}" is not defined`);
    return typeof value === 'string' ? this.indexed(value) : value;
  }

  private indexed(text: string): Value {
    if (this.peek().text !== '[') return text;
    this.next();
    const index = asNumber(this.expression(0), '[');
    this.expect(']');
    const character = text[index];
    if (character === undefined) throw new Error(`index ${index} is outside "${text}"`);
    return character;
  }
}

/** Value of `text` with the names of `scope`. Throws an Error that says what is wrong and quotes the expression. */
export function evaluate(text: string, scope: Scope): Value {
  try {
    return new Parser(tokenize(text), scope).parse();
  } catch (error) {
    throw new Error(`in expression "${text.trim()}": ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
