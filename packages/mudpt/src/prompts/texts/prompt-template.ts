/** Prompt templates: how class names become the token ids of texts. */
import { fillTemplate, readableName } from '../../data/class-names.ts';
import type { ClassContext } from '../../method/class-context.ts';
import type { TextCodec } from '../../method/method.ts';

/** The text of a class: ids with the tokens that mark start and end, with placeholders for context tokens, and how many tokens its name has. */
export type ClassTokens = { readonly ids: readonly number[]; readonly nameLength: number };

/** Token ids of texts by label, kept by a method so that its instances for other classes and data sets can use them. */
export type PromptTemplate = (context: ClassContext) => readonly ClassTokens[];

/** `PREFIX NAME.`, as CoOp and its successors have it. */
export function prefixTemplate(tokenizer: TextCodec, prefix: string): PromptTemplate {
  return ({ classNames }) => classNames.map((name) => tokensOf(tokenizer, `${prefix} ${readableName(name)}.`.trimStart(), name));
}

/** A text with `{}` for the name. @param template undefined: whatever the data set's template is */
export function textTemplate(tokenizer: TextCodec, template?: string): PromptTemplate {
  return ({ classNames, template: ofDataSet }) =>
    classNames.map((name) => tokensOf(tokenizer, fillTemplate(template ?? ofDataSet, name), name));
}

/** The same with class names as they are written, underscores too. */
export function literalTemplate(tokenizer: TextCodec, template?: string): PromptTemplate {
  return ({ classNames, template: ofDataSet }) =>
    classNames.map((name) => {
      const text = fillTemplate(template ?? ofDataSet, name, (written) => written);
      return { ids: tokenizer.encode(text), nameLength: lengthOfName(tokenizer, name) };
    });
}

function tokensOf(tokenizer: TextCodec, text: string, name: string): ClassTokens {
  return { ids: tokenizer.encode(text), nameLength: lengthOfName(tokenizer, readableName(name)) };
}

/** The tokens of a name after other words: sentencepiece tokenizes a word after a space differently. */
function lengthOfName(tokenizer: TextCodec, name: string): number {
  return tokenizer.encode(` ${name}`, { specialTokens: false }).length;
}
