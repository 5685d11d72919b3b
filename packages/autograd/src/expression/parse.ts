/** The WGSL expressions of the pointwise table as trees. */

/** An expression: numbers, letters of operands, operators and calls. */
export type Node =
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly op: string; readonly a: Node }
  | { readonly kind: 'binary'; readonly op: string; readonly a: Node; readonly b: Node }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] };

/** Operators by precedence, the loosest first. */
const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['==', '!='], ['<=', '>=', '<', '>'], ['+', '-'], ['*', '/']];
const TOKEN = /\s*(\d+\.?\d*(?:e[+-]?\d+)?|[A-Za-z_]\w*|\|\||&&|[=!<>]=|[-+*/()<>,!])/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; at = TOKEN.lastIndex) {
    const match = TOKEN.exec(text);
    if (!match?.[1]) throw new Error(`expression "${text}": what stands at ${at} is not understood`);
    tokens.push(match[1]);
  }
  return tokens;
}

/** Parses an expression of the pointwise table. @throws Error naming the expression and what is not understood in it */
export function parse(text: string): Node {
  const tokens = tokensOf(text);
  let at = 0;
  const fail = (wanted: string): never => {
    throw new Error(`expression "${text}": ${wanted} is expected instead of "${tokens[at] ?? 'its end'}"`);
  };
  const expect = (token: string): void => {
    if (tokens[at] !== token) fail(`"${token}"`);
    at += 1;
  };
  const binary = (level: number): Node => {
    const ops = LEVELS[level];
    if (!ops) return unary();
    let a = binary(level + 1);
    for (let op = tokens[at]; op !== undefined && ops.includes(op); op = tokens[at]) {
      at += 1;
      a = { kind: 'binary', op, a, b: binary(level + 1) };
    }
    return a;
  };
  const unary = (): Node => {
    const op = tokens[at];
    if (op !== '-' && op !== '!') return primary();
    at += 1;
    return { kind: 'unary', op, a: unary() };
  };
  const primary = (): Node => {
    const token = tokens[at] ?? fail('an operand');
    at += 1;
    if (token === '(') {
      const inner = binary(0);
      expect(')');
      return inner;
    }
    if (/^\d/.test(token)) return { kind: 'number', text: token };
    if (!/^[A-Za-z_]/.test(token)) fail('an operand');
    if (tokens[at] !== '(') return { kind: 'name', name: token };
    const args: Node[] = [];
    do {
      at += 1;
      args.push(binary(0));
    } while (tokens[at] === ',');
    expect(')');
    return { kind: 'call', name: token, args };
  };
  const node = binary(0);
  if (at < tokens.length) fail('an operator');
  return node;
}

/** WGSL of an expression. */
export function print(node: Node): string {
  switch (node.kind) {
    case 'number':
      return /[.e]/.test(node.text) ? node.text : `${node.text}.0`;
    case 'name':
      return node.name;
    case 'unary':
      return `(${node.op}${print(node.a)})`;
    case 'binary':
      return `(${print(node.a)} ${node.op} ${print(node.b)})`;
    case 'call':
      return `${node.name}(${node.args.map(print).join(', ')})`;
  }
}

/** Names of operands that an expression reads. */
export function lettersIn(node: Node): ReadonlySet<string> {
  switch (node.kind) {
    case 'number':
      return new Set();
    case 'name':
      return new Set([node.name]);
    case 'unary':
      return lettersIn(node.a);
    case 'binary':
      return new Set([...lettersIn(node.a), ...lettersIn(node.b)]);
    case 'call':
      return new Set(node.args.flatMap((arg) => [...lettersIn(arg)]));
  }
}

/** `node` with a tree in the place of every name. */
export function substitute(node: Node, values: Readonly<Record<string, Node>>): Node {
  switch (node.kind) {
    case 'number':
      return node;
    case 'name':
      return values[node.name] ?? node;
    case 'unary':
      return { ...node, a: substitute(node.a, values) };
    case 'binary':
      return { ...node, a: substitute(node.a, values), b: substitute(node.b, values) };
    case 'call':
      return { ...node, args: node.args.map((arg) => substitute(arg, values)) };
  }
}
