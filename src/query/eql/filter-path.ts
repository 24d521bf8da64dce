import { WeirError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { fitsPattern } from './name-pattern.ts';

/** A path as its parts: names with `*` for any characters, `**` for any number of names. */
type Path = readonly string[];

/** What is left of an answer, as the URL parameter `filter_path` of Elasticsearch's APIs says. */
export type FilterPath = { include: readonly Path[]; exclude: readonly Path[] };

type Members = Record<string, unknown>;

/** `hits.events._source.process.*,-**.user`; undefined when nothing is asked for. Throws `bad_request` for too many paths. */
export function readFilterPath(value: unknown): FilterPath | undefined {
  const text = Array.isArray(value) ? value.join(',') : value;
  if (typeof text !== 'string') return undefined;
  const paths = text
    .split(',')
    .map(path => path.trim())
    .filter(path => path !== '' && path !== '-');
  if (paths.length === 0) return undefined;
  if (paths.length > limits.eqlFilterPathsMax)
    throw new WeirError('bad_request', {
      reason: `[filter_path] ${paths.length} paths are more than ${limits.eqlFilterPathsMax}; use wildcards`,
    });
  return {
    include: paths.filter(path => !path.startsWith('-')).map(partsOf),
    exclude: paths.filter(path => path.startsWith('-')).map(path => partsOf(path.slice(1))),
  };
}

/** `**` that follows `**` says nothing more, and each would double the ways to look. */
const partsOf = (path: string): Path =>
  path.split('.').filter((part, i, parts) => !(part === '**' && parts[i - 1] === '**'));

/** What is left of a path behind a name: none, or several where `**` may end here or go on. A path at its end stays there. */
function behind(path: Path, name: string): Path[] {
  const [first, ...rest] = path;
  if (first === undefined) return [path];
  if (first === '**') return [path, ...(rest.length > 0 ? behind(rest, name) : [])];
  return fitsPattern(name, first) ? [rest] : [];
}

/** The same behind a member, whose name may have dots of its own; each once, however many ways `**` leads to it. */
const behindMember = (paths: readonly Path[], member: string): Path[] =>
  member
    .split('.')
    .reduce<Path[]>(
      (left, name) => [
        ...new Map(left.flatMap(path => behind(path, name)).map(path => [path.join('.'), path])).values(),
      ],
      [...paths],
    );

const isAtEnd = (path: Path): boolean => path.every(part => part === '**');
const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !JSON.isRawJSON(value);

/** The members that some path leads to; undefined when none does. */
function included(value: unknown, paths: readonly Path[]): unknown {
  if (paths.some(isAtEnd)) return value;
  if (!isContainer(value) || paths.length === 0) return undefined;
  if (Array.isArray(value)) {
    const items = value.map(item => included(item, paths)).filter(item => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  const kept = Object.entries(value as Members)
    .map(([name, item]): [string, unknown] => [name, included(item, behindMember(paths, name))])
    .filter(([, item]) => item !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** All members but those that some path ends at. */
function excluded(value: unknown, paths: readonly Path[]): unknown {
  if (!isContainer(value) || paths.length === 0) return value;
  if (Array.isArray(value)) return value.map(item => excluded(item, paths));
  return Object.fromEntries(
    Object.entries(value as Members).flatMap(([name, item]) => {
      const left = behindMember(paths, name);
      return left.some(isAtEnd) ? [] : [[name, excluded(item, left)]];
    }),
  );
}

/** An answer without what was not asked for: exclusions first, as Elasticsearch does. */
export function filterAnswer(answer: object, { include, exclude }: FilterPath): object {
  const rest = excluded(answer, exclude);
  return (include.length === 0 ? rest : (included(rest, include) ?? {})) as object;
}
