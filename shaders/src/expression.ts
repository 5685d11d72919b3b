/**
 * Integer and string expressions of the shader preprocessor: a Pratt parser over a handful of operators.
 * Written by hand because `eval` is forbidden by the content security policy of many pages.
 */

export type Value = number | string;
export type Scope = ReadonlyMap<string, Value>;

function quotient(a: number, b: number): number {
  if (b === 0) throw new Error('division by zero');
  return Math.trunc(a / b);
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
  '/': [7, quotient],
  '%': [7, (a, b) => a - quotient(a, b) * b],
};

/** Numbers, texts in quotes, names, operators; the last is any other character, which no rule takes. */
const TOKEN = /\d+|"[^"]*"|[A-Za-z_]\w*|\|\||&&|[=!<>]=|\S/g;

/** Whether a condition with this value holds. */
export const isTrue = (value: Value): boolean => value !== 0 && value !== '';

function asNumber(value: Value, operator: string): number {
  if (typeof value !== 'number') throw new Error(`"${operator}" needs numbers, got "${value}"`);
  return value;
}

function binary(operator: string, [, apply]: Binary, left: Value, right: Value): Value {
  if (operator === '==') return Number(left === right);
  if (operator === '!=') return Number(left !== right);
  if (operator === '+' && typeof left === 'string') return left + String(right);
  return Number(apply(asNumber(left, operator), asNumber(right, operator)));
}

const unexpected = (token: string): Error => new Error(`unexpected "${token || 'end of expression'}"`);

class Parser {
  private position = 0;

  constructor(
    private readonly tokens: readonly string[],
    private readonly scope: Scope,
  ) {}

  parse(): Value {
    const value = this.expression(0);
    if (this.position < this.tokens.length) throw unexpected(this.next());
    return value;
  }

  private peek(): string {
    return this.tokens[this.position] ?? '';
  }

  private next(): string {
    const token = this.peek();
    this.position += 1;
    return token;
  }

  private expect(wanted: string): void {
    const token = this.next();
    if (token !== wanted) throw new Error(`expected "${wanted}", got "${token}"`);
  }

  /** An expression of operators that bind more strongly than `minimum`. */
  private expression(minimum: number): Value {
    let left = this.prefix();
    for (;;) {
      const token = this.peek();
      const known = BINARY[token];
      if (token === '?' && minimum < 1) {
        this.next();
        const whenTrue = this.expression(0);
        this.expect(':');
        const whenFalse = this.expression(0);
        left = isTrue(left) ? whenTrue : whenFalse;
      } else if (known && known[0] > minimum) {
        this.next();
        left = binary(token, known, left, this.expression(known[0]));
      } else return left;
    }
  }

  /** An expression that `close` ends. */
  private before(close: string): Value {
    const value = this.expression(0);
    this.expect(close);
    return value;
  }

  private prefix(): Value {
    const token = this.next();
    if (/^\d/.test(token)) return Number(token);
    if (/^".*"$/.test(token)) return this.indexed(token.slice(1, -1));
    if (token === '(') return this.before(')');
    if (token === '!') return Number(!isTrue(this.prefix()));
    if (token === '-') return -asNumber(this.prefix(), token);
    if (token === 'min' || token === 'max') {
      this.expect('(');
      return Math[token](asNumber(this.before(','), token), asNumber(this.before(')'), token));
    }
    if (!/^\w/.test(token)) throw unexpected(token);
    const value = this.scope.get(token);
    if (value === undefined) throw new Error(`"${token}" is not defined`);
    return typeof value === 'string' ? this.indexed(value) : value;
  }

  /** `TEXT[INDEX]`, or the text alone. */
  private indexed(text: string): Value {
    if (this.peek() !== '[') return text;
    this.next();
    const index = asNumber(this.before(']'), '[');
    const character = text[index];
    if (character === undefined) throw new Error(`index ${index} is outside "${text}"`);
    return character;
  }
}

/** Value of `text` with the names of `scope`. Throws an Error that says what is wrong and quotes the expression. */
export function evaluate(text: string, scope: Scope): Value {
  try {
    return new Parser(text.match(TOKEN) ?? [], scope).parse();
  } catch (error) {
    throw new Error(`in expression "${text.trim()}": ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
