/** Prompt templates: how class names become the token ids of texts. */
import { fillTemplate, readableName } from '../../data/class-names.ts';
import type { ClassContext } from '../../method/class-context.ts';
import type { TextCodec } from '../../method/method.ts';

/** The text of a class: ids from start to end token, with placeholders for context tokens, and how many tokens its name has. */
export type ClassTokens = { readonly ids: readonly number[]; readonly nameLength: number };

/** The texts of classes, by label; kept by a method for those of other classes and data sets. */
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
      return { ids: tokenizer.encode(text), nameLength: tokenizer.encode(name).length - 2 };
    });
}

function tokensOf(tokenizer: TextCodec, text: string, name: string): ClassTokens {
  return { ids: tokenizer.encode(text), nameLength: tokenizer.encode(readableName(name)).length - 2 };
}
