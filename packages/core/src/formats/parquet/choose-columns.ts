import { AlfamixError, describe } from '../../errors.js';
import type { Column } from './footer.js';

/**
 * The columns that hold the embeddings: one list, or columns of numbers, one a dimension.
 *
 * @param spec the list column's name; or names of number columns, separated by commas, `*` standing for any text;
 *   undefined: the only list column, else all columns of floats but one named label
 */
export function chooseColumns(top: readonly Column[], spec: string | undefined, path: string): Column[] {
  if (spec !== undefined) return namedColumns(top, spec, path);
  const lists = top.filter(({ list }) => list);
  if (lists.length === 1) return lists;
  if (lists.length > 1) {
    const names = lists.map(({ name }) => name);
    throw new AlfamixError(
      'INVALID_ARGUMENT',
      `expected one list column in ${path}, got ${names.slice(0, 10).join(', ')}; name one, as in ${path}#${names[0]}`,
    );
  }
  const floats = top.filter(({ name, float }) => float && name.toLowerCase() !== 'label');
  if (floats.length > 0) return floats;
  throw new AlfamixError(
    'INVALID_ARGUMENT',
    `expected a list column or columns of floats in ${path}, got ${shown(top)}; name number columns, as in ${path}#x*`,
  );
}

function namedColumns(top: readonly Column[], spec: string, path: string): Column[] {
  // A column may be named a,b.
  const exact = top.find(({ name }) => name === spec);
  if (exact !== undefined) return [exact];
  const chosen = spec.split(',').flatMap((pattern) => {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    const matches = top.filter(({ name }) => new RegExp(`^${parts.join('.*')}$`, 's').test(name));
    if (matches.length === 0) throw unknownColumn(path, pattern, top);
    return matches;
  });
  const list = chosen.find((column) => column.list);
  if (list !== undefined && chosen.length > 1) {
    const message = `expected one list column or number columns for ${path}#${spec}, got the list ${list.name} among others`;
    throw new AlfamixError('INVALID_ARGUMENT', message);
  }
  return [...new Set(chosen)];
}

const shown = (top: readonly Column[]): string =>
  top
    .slice(0, 10)
    .map(({ name }) => name)
    .join(', ') + (top.length > 10 ? ` and ${top.length - 10} more` : '');

export const unknownColumn = (path: string, name: string, top: readonly Column[]): AlfamixError =>
  new AlfamixError(
    'INVALID_ARGUMENT',
    `expected a column of ${path} (${shown(top)}), got ${describe(name)}`,
    { details: { path, column: name } },
  );
