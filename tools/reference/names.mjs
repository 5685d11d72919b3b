// A plugin of typedoc: modules have the names that programs import, guides the titles of their pages, and operations are functions, which for the compiler
// are constants with a name and an implementation.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Converter, ReflectionFlag, ReflectionKind } from 'typedoc';

const PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url));

/** What typedoc calls an entry, `clip/src/files/image-files`, to what is imported, `@mudpt/clip/files`. @returns {Map<string, string>} */
function importNames() {
  return new Map(
    readdirSync(PACKAGES).flatMap((folder) => {
      const { name, exports } = JSON.parse(readFileSync(join(PACKAGES, folder, 'package.json'), 'utf8'));
      return Object.entries(exports ?? {}).flatMap(([entry, file]) =>
        typeof file === 'string' && file.endsWith('.ts')
          ? [/** @type {[string, string]} */ ([join(folder, file).replace(/(?:\/index)?\.ts$/, ''), join(name, entry)])]
          : [],
      );
    }),
  );
}

/** A constant of type `Op<F>` as a function with the signatures of F. @param {import('typedoc').DeclarationReflection} constant */
function asFunction(constant) {
  const { type, comment } = constant;
  if (type?.type !== 'reference' || type.name !== 'Op') return;
  const [call] = type.typeArguments ?? [];
  const signatures = call?.type === 'reflection' ? call.declaration.signatures : undefined;
  if (!signatures) return;
  constant.kind = ReflectionKind.Function;
  constant.signatures = signatures;
  for (const signature of signatures) {
    signature.name = constant.name;
    signature.parent = constant;
    if (comment) signature.comment = comment.clone();
  }
  delete constant.comment;
  delete constant.type;
  delete constant.defaultValue;
  constant.setFlag(ReflectionFlag.Const, false);
}

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
    const [first] = document.content;
    document.name = /^# (.+)$/m.exec(first?.text ?? '')?.[1] ?? document.name;
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const names = importNames();
    for (const module of project.children ?? []) module.name = names.get(module.name) ?? module.name;
    for (const constant of project.getReflectionsByKind(ReflectionKind.Variable))
      asFunction(/** @type {import('typedoc').DeclarationReflection} */ (constant));
  });
}
