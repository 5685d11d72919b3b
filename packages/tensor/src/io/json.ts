/**
 * A strict JSON reader for file headers that may be hostile.
 *
 * `JSON.parse` keeps the last of two equal keys, rounds 2^53 + 1 without a word, and cannot say where in the file a value stood.
 * Two readers of one file could then get different contents. This reader refuses duplicate keys and deep nesting, keeps numbers
 * that are not exact integers as text, and remembers where every value began.
 */

/** A number that is not written as a plain integer within +-(2^53 - 1); kept as its text so that nothing is rounded. */
export class InexactNumber {
  constructor(readonly text: string) {}
}

/** A value and the index of its first UTF-16 unit in the text. */
export interface JsonNode {
  readonly value: JsonValue;
  readonly at: number;
}
/** An object; a Map because keys such as `__proto__` are ordinary names here. */
export type JsonObject = ReadonlyMap<string, JsonNode>;
export type JsonValue = null | boolean | number | string | InexactNumber | readonly JsonNode[] | JsonObject;

/** The syntax error and its UTF-16 index. */
export class JsonProblem extends Error {
  constructor(
    readonly problem: string,
    readonly at: number,
  ) {
    super(problem);
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Parses one JSON value that may be surrounded by white space.
 * @param maxDepth nesting allowed; bounds the recursion, so no text can exhaust the stack
 * @throws JsonProblem, and nothing else
 */
export function parseStrictJson(text: string, maxDepth = 8): JsonNode {
  const parser = new Parser(text, maxDepth);
  const node = parser.value(0);
  parser.skipSpace();
  if (parser.at !== text.length) throw new JsonProblem(`${parser.describe()} stands after the end of the JSON value`, parser.at);
  return node;
}

/** The kind of a value in words, for error messages. */
export function jsonKind(value: JsonValue): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Map) return 'an object';
  if (value instanceof InexactNumber) return `the number ${abbreviate(value.text)}`;
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'string' ? 'a string' : String(value);
}

/** Text from a file made safe for a message: quoted, with control characters escaped, and shortened. */
export function quote(text: string): string {
  return JSON.stringify(abbreviate(text));
}

function abbreviate(text: string): string {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

class Parser {
  at = 0;
  constructor(
    readonly text: string,
    readonly maxDepth: number,
  ) {}

  describe(): string {
    return this.at < this.text.length ? quote(this.text.charAt(this.at)) : 'the end of the text';
  }

  skipSpace(): void {
    for (; this.at < this.text.length; this.at++) {
      const unit = this.text.charCodeAt(this.at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    }
  }

  value(depth: number): JsonNode {
    this.skipSpace();
    const at = this.at;
    switch (this.text[at]) {
      case '{':
        return { value: this.object(depth + 1), at };
      case '[':
        return { value: this.array(depth + 1), at };
      case '"':
        return { value: this.string(), at };
      case 't':
        return { value: this.word('true', true), at };
      case 'f':
        return { value: this.word('false', false), at };
      case 'n':
        return { value: this.word('null', null), at };
      default:
        return { value: this.number(), at };
    }
  }

  private enter(depth: number): void {
    if (depth > this.maxDepth) throw new JsonProblem(`values are nested more than ${this.maxDepth} deep`, this.at);
    this.at++;
    this.skipSpace();
  }

  private object(depth: number): JsonObject {
    this.enter(depth);
    const entries = new Map<string, JsonNode>();
    if (this.take('}')) return entries;
    for (;;) {
      this.skipSpace();
      const at = this.at;
      if (this.text[at] !== '"') throw new JsonProblem(`a key in quotes was expected, not ${this.describe()}`, at);
      const key = this.string();
      if (entries.has(key)) throw new JsonProblem(`the key ${quote(key)} appears twice`, at);
      this.skipSpace();
      if (!this.take(':')) throw new JsonProblem(`":" was expected after the key ${quote(key)}, not ${this.describe()}`, this.at);
      entries.set(key, this.value(depth));
      this.skipSpace();
      if (this.take('}')) return entries;
      if (!this.take(',')) throw new JsonProblem(`"," or "}" was expected, not ${this.describe()}`, this.at);
    }
  }

  private array(depth: number): JsonNode[] {
    this.enter(depth);
    const items: JsonNode[] = [];
    if (this.take(']')) return items;
    for (;;) {
      items.push(this.value(depth));
      this.skipSpace();
      if (this.take(']')) return items;
      if (!this.take(',')) throw new JsonProblem(`"," or "]" was expected, not ${this.describe()}`, this.at);
    }
  }

  private string(): string {
    const start = this.at;
    let escaped = false;
    for (this.at++; this.at < this.text.length; this.at++) {
      const unit = this.text.charCodeAt(this.at);
      if (unit === 0x22) break;
      if (unit < 0x20) throw new JsonProblem('a control character stands inside a string', this.at);
      if (unit === 0x5c) {
        escaped = true;
        this.at++;
      }
    }
    if (this.at >= this.text.length) throw new JsonProblem('a string has no closing quote', start);
    this.at++;
    if (!escaped) return this.text.slice(start + 1, this.at - 1);
    const result = unescape(this.text.slice(start, this.at), start);
    if (LONE_SURROGATE.test(result)) throw new JsonProblem('a string holds half of a surrogate pair', start);
    return result;
  }

  private number(): number | InexactNumber {
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (match === null) throw new JsonProblem(`a value was expected, not ${this.describe()}`, this.at);
    this.at = NUMBER.lastIndex;
    const number = Number(match[0]);
    const plain = match[1] === undefined && match[2] === undefined && Number.isSafeInteger(number) && !Object.is(number, -0);
    return plain ? number : new InexactNumber(match[0]);
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw new JsonProblem(`a value was expected, not ${this.describe()}`, this.at);
    this.at += word.length;
    return value;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }
}

/** `JSON.parse` is exact for one string token; only its error is replaced. */
function unescape(token: string, at: number): string {
  try {
    return String(JSON.parse(token));
  } catch {
    throw new JsonProblem('a string holds an escape that JSON does not know', at);
  }
}
