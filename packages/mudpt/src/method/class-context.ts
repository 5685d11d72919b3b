/** Class contexts: class names and prompt template of a method, and checks when they change. */
import { isEqual } from '@mudpt/tensor/internal';
import { MethodError } from './errors.ts';

/** The classes of a method: their names and the prompt template. */
export type ClassContext = {
  /** By label; underscores count as spaces. */
  readonly classNames: readonly string[];
  /** The data set's prompt for zero-shot classification, with `{}` for the class name. */
  readonly template: string;
  /** Sentences about each class, by label: frozen texts are these where they are given, in place of templates. */
  readonly descriptions?: readonly (readonly string[])[] | undefined;
  /** Whether the images are those of another data set than was learnt on, whose classes may be the same. Default false. */
  readonly isElsewhere?: boolean | undefined;
};

/** The parts of a data set, or of anything else with classes, that make a class context. */
export function classContext({ classNames, template, descriptions, isElsewhere }: ClassContext): ClassContext {
  return { classNames, template, ...(descriptions && { descriptions }), ...(isElsewhere && { isElsewhere }) };
}

/**
 * For `forContext` of a class that creates a plain instance of that class.
 * @throws MethodError for a subclass, whose additions would be missing from the plain instance
 */
export function expectNoSubclass(
  method: { readonly name: string },
  plain: { readonly name: string; readonly prototype: object },
): void {
  if (Object.getPrototypeOf(method) === plain.prototype) return;
  throw new MethodError(
    method.name,
    `${method.constructor.name} extends ${plain.name}, and a plain ${plain.name} for other classes would lack what it adds`,
    'override forContext, and make one of its own class there',
  );
}

/** @throws MethodError where `other` has other classes than `classNames`, for which the tensors were learnt */
export function expectSameClasses(method: string, classNames: readonly string[], other: ClassContext, why: string): void {
  if (isEqual(classNames, other.classNames)) return;
  throw new MethodError(
    method,
    `${why}, so it cannot classify others`,
    'evaluate it on the classes it was fitted to, or use a method whose prompts serve any class',
  );
}
